{{- /* Variables of the chart, replaced by those of extraEnv with the same name, then the rest of extraEnv. (list . variables) */ -}}
{{- define "mathops.withExtraEnv" -}}
{{- $ := index . 0 }}{{ $extra := tpl (toYaml ($.Values.extraEnv | default list)) $ | fromYamlArray }}
{{- $replacements := dict }}{{ $variables := list }}{{ $names := list }}
{{- range $extra }}{{ $_ := set $replacements .name . }}{{ end }}
{{- range concat (index . 1 | fromYamlArray) $extra }}
{{- if not (has .name $names) }}
{{- $names = append $names .name }}
{{- $variables = append $variables (get $replacements .name | default .) }}
{{- end }}
{{- end }}
{{- with $variables }}{{ toYaml . }}{{ end }}
{{- end }}

{{- /* Variables that the chart derives for the service. */ -}}
{{- define "mathops.environment" -}}
- name: MATHOPS_WORKERS
  value: {{ .Values.workers | quote }}
- name: MATHOPS_SHUTDOWN_DELAY_SECONDS
  value: {{ .Values.shutdown.delaySeconds | quote }}
- name: MATHOPS_SHUTDOWN_TIMEOUT_SECONDS
  value: {{ .Values.shutdown.timeoutSeconds | quote }}
- name: MATHOPS_KEYS_FILE
  value: /etc/mathops/keys/keys.json
{{- if include "mathops.usersSecret" . }}
- name: MATHOPS_USERS_FILE
  value: /etc/mathops/users/users
{{- end }}
{{- if include "mathops.issuers" . }}
- name: MATHOPS_ISSUERS_FILE
  value: /etc/mathops/issuers/issuers.yaml
{{- end }}
{{- include "mathops.databaseEnvironment" . }}
{{- if .Values.redis.enabled }}
{{- if .Values.redis.auth.enabled }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "mathops.redisSecret" . }}
      key: {{ .Values.redis.auth.existingSecret | empty | ternary "redis-password" .Values.redis.auth.existingSecretKey }}
{{- end }}
- name: MATHOPS_REDIS_URL
  value: redis://{{ if .Values.redis.auth.enabled }}:$(REDIS_PASSWORD)@{{ end }}{{ include "mathops.fullname" . }}-redis:6379/0
{{- else if include "mathops.externalRedis" . }}
- name: MATHOPS_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "mathops.externalRedisSecret" . }}
      key: {{ .Values.externalRedis.existingSecret | empty | ternary "url" .Values.externalRedis.existingSecretKey }}
{{- end }}
{{- include "mathops.kafkaEnvironment" . }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
- name: MATHOPS_{{ upper $name }}
  value: {{ kindIs "float64" $value | ternary (toJson $value) (toString $value) | quote }}
{{- end }}
{{- end }}
{{- if .Values.otel.endpoint }}
{{- range $name, $path := dict "NODE_NAME" "spec.nodeName" "POD_NAME" "metadata.name" "POD_UID" "metadata.uid" }}
- name: {{ $name }}
  valueFrom:
    fieldRef:
      fieldPath: {{ $path }}
{{- end }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .Values.otel.endpoint | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ include "mathops.name" . }}
- name: OTEL_TRACES_SAMPLER
  value: {{ .Values.otel.sampler | quote }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .Values.otel.samplerArg | quote }}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name={{ include "mathops.namespace" . }},k8s.pod.name=$(POD_NAME),k8s.pod.uid=$(POD_UID),k8s.node.name=$(NODE_NAME),k8s.container.name=mathops
    {{- range $name, $value := .Values.otel.resourceAttributes }},{{ $name }}={{ $value }}{{ end }}
{{- end }}
{{- with .Values.trustedProxies }}
- name: FORWARDED_ALLOW_IPS
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}

{{- define "mathops.databaseEnvironment" -}}
{{- if include "mathops.externalDatabase" . }}
- name: MATHOPS_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "mathops.databaseSecret" . }}
      key: {{ .Values.database.existingSecret | empty | ternary "url" .Values.database.existingSecretKey }}
{{- end }}
{{- end }}

{{- define "mathops.kafkaEnvironment" -}}
{{- $kafka := .Values.kafka.auth }}{{ $external := .Values.externalKafka }}
{{- if .Values.kafka.enabled }}
- name: MATHOPS_KAFKA_BROKERS
  value: {{ include "mathops.kafkaBrokers" . }}
{{- if $kafka.enabled }}
- name: MATHOPS_KAFKA_SECURITY
  value: sasl_plaintext
- name: MATHOPS_KAFKA_SASL_MECHANISM
  value: PLAIN
- name: MATHOPS_KAFKA_USERNAME
  value: {{ $kafka.username | quote }}
- name: MATHOPS_KAFKA_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "mathops.kafkaSecret" . }}
      key: {{ $kafka.existingSecret | empty | ternary "kafka-password" $kafka.existingSecretKey }}
{{- end }}
{{- else if $external.brokers }}
- name: MATHOPS_KAFKA_BROKERS
  value: {{ $external.brokers | quote }}
- name: MATHOPS_KAFKA_SECURITY
  value: {{ $external.security }}
{{- if hasPrefix "sasl" $external.security }}
- name: MATHOPS_KAFKA_SASL_MECHANISM
  value: {{ $external.saslMechanism }}
- name: MATHOPS_KAFKA_USERNAME
  value: {{ $external.username | quote }}
- name: MATHOPS_KAFKA_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $external.existingSecret }}
      key: {{ $external.existingSecretKey }}
{{- end }}
{{- if $external.existingCaSecret }}
- name: MATHOPS_KAFKA_CA_FILE
  value: /etc/mathops/kafka-ca/ca.crt
{{- end }}
{{- if $external.existingCertificateSecret }}
- name: MATHOPS_KAFKA_CERTIFICATE_FILE
  value: /etc/mathops/kafka-certificate/tls.crt
- name: MATHOPS_KAFKA_KEY_FILE
  value: /etc/mathops/kafka-certificate/tls.key
{{- end }}
{{- end }}
{{- end }}
