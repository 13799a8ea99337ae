import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;

/**
 * Rabobank's topology of Rabo Alerts: entries by account -> permissions (KTable) -> repartition by customer -> settings (KTable)
 * -> messages, one topic for each channel. Exactly once v2, RocksDB, two threads.
 *
 * <p>Arguments: bootstrap servers, prefix of the topics, state folder, partitions, commit interval in ms.
 */
public final class AlertsApp {
    private static final String[] CHANNELS = {"EMAIL", "PUSH"};

    private AlertsApp() { }

    public static void main(String[] arguments) throws InterruptedException {
        String prefix = arguments[1];
        Properties properties = properties(arguments[0], prefix, arguments[2], arguments[4]);
        Topology topology = topology(prefix, Integer.parseInt(arguments[3]), properties);
        KafkaStreams streams = new KafkaStreams(topology, properties);
        streams.setStateListener((now, before) -> say("STATE " + now));
        streams.setGlobalStateRestoreListener(new Restored());
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            System.exit(1);
            return null;
        });
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            // leaves its group: the next start need not wait for its session to end
            streams.close(new KafkaStreams.CloseOptions().leaveGroup(true).timeout(Duration.ofSeconds(20)));
            ended.countDown();
        }));
        streams.start();
        ended.await();
    }

    static Topology topology(String prefix, int partitions, Properties properties) {
        StreamsBuilder builder = new StreamsBuilder();
        Serde<Entry> fromJson = Serdes.serdeFrom((topic, entry) -> null, Entry.fromJson());
        KTable<String, State.Permissions> permissions =
                builder.table(prefix + ".permission", Consumed.with(Serdes.String(), State.Permissions.serde()));
        KTable<Long, State.Settings> settings =
                builder.table(prefix + ".settings", Consumed.with(Serdes.Long(), State.Settings.serde()));
        KStream<Long, Alerts.Message> messages = builder.stream(prefix + ".entry", Consumed.with(Serdes.String(), fromJson))
                .join(permissions, PermittedAll::new)
                .flatMap((account, all) -> all.each())
                .repartition(Repartitioned.with(Serdes.Long(), permittedSerde()).withNumberOfPartitions(partitions)
                        .withName("by-customer"))
                .join(settings, (customer, permitted, wishes) -> Alerts.generate(permitted, wishes, customer))
                .flatMapValues(found -> found);
        var split = messages.split();
        for (String channel : CHANNELS) {
            split = split.branch((customer, message) -> message.channel().equals(channel), Branched.withConsumer(
                    branch -> branch.mapValues(Alerts.Message::value)
                            .to(prefix + ".outbound." + channel, Produced.with(Serdes.Long(), Serdes.String()))));
        }
        split.noDefaultBranch();
        return builder.build(properties);
    }

    /** An entry and all who may see its account. */
    record PermittedAll(Entry entry, State.Permissions permissions) {
        List<KeyValue<Long, Alerts.Permitted>> each() {
            return permissions.customers().stream()
                    .map(one -> KeyValue.pair(one.customerId(), new Alerts.Permitted(entry, one.maySeeBalance()))).toList();
        }
    }

    private static Serde<Alerts.Permitted> permittedSerde() {
        Serde<Entry> entries = Entry.compact();
        return Serdes.serdeFrom((topic, permitted) -> {
            byte[] entry = entries.serializer().serialize(topic, permitted.entry());
            byte[] bytes = java.util.Arrays.copyOf(entry, entry.length + 1);
            bytes[entry.length] = (byte) (permitted.maySeeBalance() ? 1 : 0);
            return bytes;
        }, (topic, bytes) -> new Alerts.Permitted(entries.deserializer().deserialize(topic, bytes), bytes[bytes.length - 1] == 1));
    }

    private static Properties properties(String servers, String prefix, String folder, String commitMs) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, prefix + "-alerts");
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Integer.parseInt(commitMs));
        properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        // the input topics are the tables' changelogs: no second copy of them
        properties.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 128L << 20);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
        properties.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Tuned.class);
        properties.put(StreamsConfig.METRICS_RECORDING_LEVEL_CONFIG, "INFO");
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
        properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
        return properties;
    }

    private static void say(String what) {
        System.out.println(System.currentTimeMillis() + " " + what);
        System.out.flush();
    }

    /** A block cache for all stores, and bloom filters. */
    public static final class Tuned implements RocksDBConfigSetter {
        private static final LRUCache CACHE = new LRUCache(512L << 20);

        @Override
        public void setConfig(String storeName, Options options, Map<String, Object> configs) {
            BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
            table.setBlockCache(CACHE);
            table.setFilterPolicy(new BloomFilter());
            options.setTableFormatConfig(table);
        }

        @Override
        public void close(String storeName, Options options) { }
    }

    private static final class Restored implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition partition, String store, long from, long to) { }

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long to, long count) { }

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long total) {
            say("RESTORED " + total + " " + store);
        }
    }
}
