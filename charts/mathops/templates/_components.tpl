{{- /* Enabled components, and the names of their Secrets. */ -}}
{{- define "mathops.externalDatabase" -}}
{{- if or .Values.database.url .Values.database.existingSecret }}true{{ end }}
{{- end }}

{{- /* "true" if the SQLite file is on a volume. */ -}}
{{- define "mathops.sqliteOnVolume" -}}
{{- if and .Values.persistence.enabled (not (include "mathops.externalDatabase" .)) }}true{{ end }}
{{- end }}

{{- define "mathops.multipleReplicas" -}}
{{- if or .Values.autoscaling.enabled (gt (int .Values.replicaCount) 1) }}true{{ end }}
{{- end }}

{{- define "mathops.claim" -}}
{{- .Values.persistence.existingClaim | default (printf "data-%s-0" (include "mathops.fullname" .)) }}
{{- end }}

{{- define "mathops.backupClaim" -}}
{{- .Values.backup.persistence.existingClaim | default (printf "%s-backup" (include "mathops.fullname" .)) }}
{{- end }}

{{- define "mathops.keysSecret" -}}
{{- .Values.keys.existingSecret | default (printf "%s-keys" (include "mathops.fullname" .)) }}
{{- end }}

{{- define "mathops.usersSecret" -}}
{{- if or .Values.users.existingSecret .Values.users.lines }}
{{- .Values.users.existingSecret | default (printf "%s-users" (include "mathops.fullname" .)) }}
{{- end }}
{{- end }}

{{- define "mathops.databaseSecret" -}}
{{- .Values.database.existingSecret | default (printf "%s-database" (include "mathops.fullname" .)) }}
{{- end }}

{{- define "mathops.redisSecret" -}}
{{- .Values.redis.auth.existingSecret | default (printf "%s-redis" (include "mathops.fullname" .)) }}
{{- end }}

{{- define "mathops.externalRedis" -}}
{{- if or .Values.externalRedis.url .Values.externalRedis.existingSecret }}true{{ end }}
{{- end }}

{{- define "mathops.externalRedisSecret" -}}
{{- .Values.externalRedis.existingSecret | default (printf "%s-external-redis" (include "mathops.fullname" .)) }}
{{- end }}

{{- define "mathops.kafkaBrokers" -}}
{{- if .Values.kafka.enabled }}{{ include "mathops.fullname" . }}-kafka:9092{{ else }}{{ .Values.externalKafka.brokers }}{{ end }}
{{- end }}

{{- /* Secrets with certificates for external brokers, by volume name. */ -}}
{{- define "mathops.kafkaCertificateSecrets" -}}
{{- if .Values.externalKafka.brokers }}
{{- with .Values.externalKafka.existingCaSecret }}
kafka-ca: {{ . }}
{{- end }}
{{- with .Values.externalKafka.existingCertificateSecret }}
kafka-certificate: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "mathops.kafkaSecret" -}}
{{- .Values.kafka.auth.existingSecret | default (printf "%s-kafka" (include "mathops.fullname" .)) }}
{{- end }}

{{- /* Base64 value from an existing Secret in the cluster, or nothing. (list . "secret" "key") */ -}}
{{- define "mathops.liveSecretValue" -}}
{{- $ := index . 0 -}}
{{- $live := lookup "v1" "Secret" (include "mathops.namespace" $) (index . 1) | default dict -}}
{{- get ($live.data | default dict) (index . 2) }}
{{- end }}

{{- /* Checksum of the secrets given as values; a change restarts the pods. */ -}}
{{- define "mathops.secretsChecksum" -}}
{{- list .Values.keys.value .Values.users.lines .Values.database.url .Values.externalRedis.url .Values.redis.auth.password .Values.kafka.auth.password | toJson | sha256sum }}
{{- end }}

{{- /* Sources that may reach the service and the exporters, in a rule of a NetworkPolicy; empty if all may. */ -}}
{{- define "mathops.scrapeSources" -}}
{{- if not .Values.networkPolicy.allowExternal }}
from:
  - podSelector: {}
  {{- with .Values.networkPolicy.ingressFrom }}
  {{- tpl (toYaml .) $ | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
