import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** An account entry: read from Debezium's JSON, passed on through the repartition topic in a compact form. */
record Entry(String entryId, int bookingDate, String accountId, long amountMinor, String currency, boolean hasBalance,
             long balanceAfterMinor, String status, String eventTime, long stateVersion, long catalogueVersion) {

    private static final JsonFactory JSON = new JsonFactory();

    /** The captured JSON, parsed as a stream: no tree is built. */
    static Deserializer<Entry> fromJson() {
        return (topic, bytes) -> {
            try (JsonParser parser = JSON.createParser(bytes)) {
                return parsed(parser);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
    }

    static Serde<Entry> compact() {
        return Serdes.serdeFrom((topic, entry) -> entry.toBytes(), (topic, bytes) -> fromBytes(ByteBuffer.wrap(bytes)));
    }

    private static Entry parsed(JsonParser parser) throws IOException {
        String entryId = null, accountId = null, currency = null, status = null, eventTime = null;
        long amount = 0, balance = 0, stateVersion = 0, catalogueVersion = 0;
        int bookingDate = 0;
        boolean hasBalance = false;
        parser.nextToken();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonToken token = parser.nextToken();
            switch (name) {
                case "entry_id" -> entryId = parser.getText();
                case "booking_date" -> bookingDate = parser.getIntValue();
                case "account_id" -> accountId = parser.getText();
                case "amount_minor" -> amount = parser.getLongValue();
                case "currency" -> currency = parser.getText();
                case "status" -> status = parser.getText();
                case "event_time" -> eventTime = parser.getText();
                case "state_version" -> stateVersion = parser.getLongValue();
                case "catalogue_version" -> catalogueVersion = parser.getLongValue();
                case "balance_after_minor" -> {
                    hasBalance = token != JsonToken.VALUE_NULL;
                    balance = hasBalance ? parser.getLongValue() : 0;
                }
                default -> { }
            }
        }
        return new Entry(entryId, bookingDate, accountId, amount, currency, hasBalance, balance, status, eventTime, stateVersion,
                catalogueVersion);
    }

    private byte[] toBytes() {
        byte[][] texts = {utf8(entryId), utf8(accountId), utf8(currency), utf8(status), utf8(eventTime)};
        int size = 4 + 8 + 1 + 8 + 8 + 8;
        for (byte[] text : texts) {
            size += 2 + text.length;
        }
        ByteBuffer buffer = ByteBuffer.allocate(size);
        for (byte[] text : texts) {
            buffer.putShort((short) text.length).put(text);
        }
        buffer.putInt(bookingDate).putLong(amountMinor).put((byte) (hasBalance ? 1 : 0)).putLong(balanceAfterMinor);
        return buffer.putLong(stateVersion).putLong(catalogueVersion).array();
    }

    private static Entry fromBytes(ByteBuffer buffer) {
        String entryId = text(buffer), accountId = text(buffer), currency = text(buffer), status = text(buffer);
        String eventTime = text(buffer);
        int bookingDate = buffer.getInt();
        long amount = buffer.getLong();
        boolean hasBalance = buffer.get() == 1;
        return new Entry(entryId, bookingDate, accountId, amount, currency, hasBalance, buffer.getLong(), status, eventTime,
                buffer.getLong(), buffer.getLong());
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static String text(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.getShort()];
        buffer.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
