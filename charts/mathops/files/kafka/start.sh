#!/bin/sh
# Start Kafka with server.properties and settings from the environment. The image's own start script would write to its
# configuration folder, which is read-only here.
set -eu
umask 077
here=$(dirname "$0")
password=${BROKER_PASSWORD:-$(cat "${BROKER_PASSWORD_FILE:-/dev/null}")}
security=PLAINTEXT
[ -z "$password" ] || security=SASL_PLAINTEXT
{
  cat "$here/server.properties"
  echo "advertised.listeners=CLIENT://$BROKER_HOST:9092,LOCAL://localhost:$BROKER_LOCAL_PORT,INTERNAL://localhost:9094"
  echo "listener.security.protocol.map=CLIENT:$security,LOCAL:$security,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT"
  echo "num.partitions=$BROKER_PARTITIONS"
  echo "log.retention.hours=$BROKER_RETENTION_HOURS"
  if [ -n "$password" ]; then
    for listener in client local; do
      printf 'listener.name.%s.plain.sasl.jaas.config=%s required user_%s="%s";\n' "$listener" \
        org.apache.kafka.common.security.plain.PlainLoginModule "$BROKER_USERNAME" "$password"
    done
  fi
} >/tmp/server.properties
export LOG_DIR=/tmp/logs KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=$here/log4j2.yaml"
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --cluster-id "$BROKER_CLUSTER_ID" \
  --config /tmp/server.properties >/dev/null
exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties
