import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What the two tables hold, in the compact form that bench/streams.py writes. */
final class State {
    private State() { }

    /** A customer who may see an account. */
    record Permission(long customerId, boolean maySeeBalance) { }

    /** The permissions of one account. */
    record Permissions(List<Permission> customers) {
        static Serde<Permissions> serde() {
            return Serdes.serdeFrom((topic, value) -> value.toBytes(), (topic, bytes) -> read(ByteBuffer.wrap(bytes)));
        }

        private byte[] toBytes() {
            ByteBuffer buffer = ByteBuffer.allocate(2 + 9 * customers.size()).putShort((short) customers.size());
            for (Permission one : customers) {
                buffer.putLong(one.customerId).put((byte) (one.maySeeBalance ? 1 : 0));
            }
            return buffer.array();
        }

        private static Permissions read(ByteBuffer buffer) {
            int count = buffer.getShort();
            List<Permission> found = new ArrayList<>(count);
            for (int number = 0; number < count; number++) {
                found.add(new Permission(buffer.getLong(), buffer.get() == 1));
            }
            return new Permissions(found);
        }
    }

    /** A preference of a customer on one account. */
    record Preference(String accountId, String alertType, int preferenceNo, String currency, long thresholdMinor, boolean enabled,
                      List<String> channels) { }

    /** The alert settings of one customer: their preferences on all accounts. */
    record Settings(List<Preference> preferences) {
        static Serde<Settings> serde() {
            return Serdes.serdeFrom((topic, value) -> value.toBytes(), (topic, bytes) -> read(ByteBuffer.wrap(bytes)));
        }

        private byte[] toBytes() {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(64 * preferences.size());
            DataOutputStream out = new DataOutputStream(bytes);
            try {
                out.writeShort(preferences.size());
                for (Preference one : preferences) {
                    put(out, one.accountId());
                    put(out, one.alertType());
                    out.writeShort(one.preferenceNo());
                    put(out, one.currency());
                    out.writeLong(one.thresholdMinor());
                    out.writeByte(one.enabled() ? 1 : 0);
                    put(out, String.join(",", one.channels()));
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return bytes.toByteArray();
        }

        private static void put(DataOutputStream out, String text) throws IOException {
            byte[] bytes = Entry.utf8(text);
            out.writeShort(bytes.length);
            out.write(bytes);
        }

        private static Settings read(ByteBuffer buffer) {
            int count = buffer.getShort();
            List<Preference> found = new ArrayList<>(count);
            for (int number = 0; number < count; number++) {
                found.add(new Preference(Entry.text(buffer), Entry.text(buffer), buffer.getShort(), Entry.text(buffer),
                        buffer.getLong(), buffer.get() == 1, List.of(Entry.text(buffer).split(","))));
            }
            return new Settings(found);
        }
    }
}
