{{- /* Which parts there are, and where their secrets lie. */ -}}
{{- define "mathops.external" -}}
{{- if or .Values.database.url .Values.database.existingSecret }}true{{ end }}
{{- end }}

{{- /* Whether SQLite's file is on a volume. */ -}}
{{- define "mathops.onVolume" -}}
{{- if and .Values.persistence.enabled (not (include "mathops.external" .)) }}true{{ end }}
{{- end }}

{{- define "mathops.many" -}}
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

{{- define "mathops.brokers" -}}
{{- if .Values.kafka.enabled }}{{ include "mathops.fullname" . }}-kafka:9092{{ else }}{{ .Values.externalKafka.brokers }}{{ end }}
{{- end }}

{{- /* Folders of files for reaching brokers elsewhere, and the Secrets that hold them. */ -}}
{{- define "mathops.kafkaFiles" -}}
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

{{- /* A value of a live Secret in base64, or nothing. (list . "secret" "key") */ -}}
{{- define "mathops.kept" -}}
{{- $ := index . 0 -}}
{{- $live := lookup "v1" "Secret" (include "mathops.namespace" $) (index . 1) | default dict -}}
{{- get ($live.data | default dict) (index . 2) }}
{{- end }}

{{- /* Changes when a secret given as a value does, and rolls the pods. */ -}}
{{- define "mathops.secretsChecksum" -}}
{{- list .Values.keys.value .Values.users.lines .Values.database.url .Values.externalRedis.url .Values.redis.auth.password .Values.kafka.auth.password | toJson | sha256sum }}
{{- end }}
