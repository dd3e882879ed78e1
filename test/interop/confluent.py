"""python-confluent-kafka: prints one line per check, 'ok <title>' or 'FAILED <title>: <why>'."""
import sys, threading, time, uuid
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

bootstrap, replicas = sys.argv[1], int(sys.argv[2])
admin = AdminClient({"bootstrap.servers": bootstrap})


def check(title):
    def run(body):
        try:
            body()
            print(f"ok {title}", flush=True)
        except Exception as error:  # every failure is a line of the report
            print(f"FAILED {title}: {type(error).__name__}: {error}".replace("\n", " "), flush=True)
    return run


def create(topic, partitions=1, config=None):
    for future in admin.create_topics([NewTopic(topic, partitions, replicas, config=config or {})]).values():
        future.result(10)


def produce(topic, values, **config):
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, **config})
    for value in values:
        producer.produce(topic, value, key=value[:4] if value else None,
                         on_delivery=lambda error, _: failures.append(error) if error else None)
        producer.poll(0)
    assert producer.flush(30) == 0, "not everything was delivered"
    assert not failures, failures[:3]


def consume(topic, count, group=None, **config):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group or str(uuid.uuid4()),
                         "auto.offset.reset": "earliest", **config})
    consumer.subscribe([topic])
    seen, deadline = [], time.time() + 40
    while len(seen) < count and time.time() < deadline:
        message = consumer.poll(0.5)
        if message is None:
            continue
        assert message.error() is None, message.error()
        seen.append(message.value())
    consumer.commit(asynchronous=False) if seen else None
    consumer.close()
    return seen


for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    @check(f"confluent: idempotent acks=all, {codec}")
    def _(codec=codec):
        topic = f"py-{codec}"
        create(topic)
        values = [f"{i:04d}-{'x' * (i % 200)}".encode() for i in range(2000)]
        produce(topic, values, **{"enable.idempotence": True, "compression.type": codec, "linger.ms": 5})
        assert consume(topic, 2000) == values, "the records differ"


@check("confluent: records of 1 byte to 1 MB")
def _():
    create("py-sizes", config={"max.message.bytes": "2000000"})
    values = [b"x" * size for size in [1, 10, 1000, 100_000, 1_000_000]]
    produce("py-sizes", values, **{"message.max.bytes": 2000000})
    assert [len(v) for v in consume("py-sizes", 5)] == [len(v) for v in values]


@check("confluent: topic configs, partitions and deletion")
def _():
    create("py-admin", 2, {"cleanup.policy": "compact"})
    resource = ConfigResource(ConfigResource.Type.TOPIC, "py-admin")
    entries = admin.describe_configs([resource])[resource].result(10)
    assert entries["cleanup.policy"].value == "compact", entries["cleanup.policy"].value
    assert len(entries) > 25, len(entries)
    admin.create_partitions([NewPartitions("py-admin", 4)])["py-admin"].result(10)
    for _ in range(50):
        if len(admin.list_topics(timeout=10).topics["py-admin"].partitions) == 4:
            break
        time.sleep(0.1)
    assert len(admin.list_topics(timeout=10).topics["py-admin"].partitions) == 4
    admin.delete_topics(["py-admin"])["py-admin"].result(10)


for strategy in ["range", "cooperative-sticky"]:
    @check(f"confluent: four members, {strategy}, rebalance under load")
    def _(strategy=strategy):
        topic = f"py-group-{strategy}"
        create(topic, 8)
        seen, lock, stop = set(), threading.Lock(), threading.Event()

        def member(delay):
            time.sleep(delay)
            consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest",
                                 "partition.assignment.strategy": strategy, "session.timeout.ms": 6000,
                                 "auto.commit.interval.ms": 200})
            consumer.subscribe([topic])
            while not stop.is_set():
                message = consumer.poll(0.2)
                if message is not None and message.error() is None:
                    with lock:
                        seen.add(message.value())
            consumer.close()

        threads = [threading.Thread(target=member, args=(i * 1.0,)) for i in range(4)]
        for thread in threads:
            thread.start()
        producer = Producer({"bootstrap.servers": bootstrap})
        for i in range(3000):
            producer.produce(topic, f"{i}".encode(), partition=i % 8)
            producer.poll(0)
            if i % 10 == 0:
                time.sleep(0.015)
        producer.flush(30)
        deadline = time.time() + 30
        while len(seen) < 3000 and time.time() < deadline:
            time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
        assert len(seen) == 3000, f"{len(seen)} of 3000"


@check("confluent: offsets by timestamp and committed offsets")
def _():
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "py-offsets"})
    low, high = consumer.get_watermark_offsets(TopicPartition("py-none", 0), timeout=10)
    assert (low, high) == (0, 2000), (low, high)
    found = consumer.offsets_for_times([TopicPartition("py-none", 0, 0)], timeout=10)
    assert found[0].offset == 0, found
    consumer.commit(offsets=[TopicPartition("py-none", 0, 77)], asynchronous=False)
    assert consumer.committed([TopicPartition("py-none", 0)], timeout=10)[0].offset == 77
    consumer.close()


@check("confluent: groups are listed, described and deleted")
def _():
    listed = {group.group_id for group in admin.list_consumer_groups().result(10).valid}
    assert "py-offsets" in listed, listed
    described = admin.describe_consumer_groups(["py-offsets"])["py-offsets"].result(10)
    assert described.state.name == "EMPTY", described.state
    admin.delete_consumer_groups(["py-offsets"])["py-offsets"].result(10)
