{{- /* Contradictory values stop the installation with a message that says what to change. */ -}}
{{- define "mathops.validate" -}}
{{- $v := .Values -}}
{{- $external := include "mathops.externalDatabase" . -}}
{{- $fullname := include "mathops.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $fullname) }}
{{- fail (printf "%s is no valid name for Services and pods: set fullnameOverride to lower-case letters, digits and hyphens that begin with a letter." $fullname) }}
{{- end }}
{{- if and (not $external) (gt (int $v.replicaCount) 1) }}
{{- fail "replicaCount is above 1, but only one pod can use a SQLite file: set database.url or database.existingSecret to use PostgreSQL, or set replicaCount to 1." }}
{{- end }}
{{- if and (not $external) $v.autoscaling.enabled }}
{{- fail "autoscaling.enabled requires a database for several pods: set database.url or database.existingSecret to use PostgreSQL." }}
{{- end }}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) }}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas." }}
{{- end }}
{{- if and $v.autoscaling.enabled (not (or $v.autoscaling.targetCPUUtilizationPercentage $v.autoscaling.targetMemoryUtilizationPercentage $v.autoscaling.metrics)) }}
{{- fail "autoscaling.enabled requires a metric: set autoscaling.targetCPUUtilizationPercentage, targetMemoryUtilizationPercentage or metrics." }}
{{- end }}
{{- if and $v.database.url $v.database.existingSecret }}
{{- fail "database.url and database.existingSecret are both set: remove one of them." }}
{{- end }}
{{- if and $v.database.url (not (regexMatch "^postgresql([+]psycopg)?://" $v.database.url)) }}
{{- fail "database.url must begin with postgresql://; leave it empty for SQLite on a volume." }}
{{- end }}
{{- if and $v.keys.value $v.keys.existingSecret }}
{{- fail "keys.value and keys.existingSecret are both set: remove one of them." }}
{{- end }}
{{- if and $v.users.lines $v.users.existingSecret }}
{{- fail "users.lines and users.existingSecret are both set: remove one of them." }}
{{- end }}
{{- with $v.kubernetesIdentity | default dict }}
{{- if and .enabled (not .serviceAccounts) }}
{{- fail "kubernetesIdentity.enabled accepts the service accounts in kubernetesIdentity.serviceAccounts: name at least one." }}
{{- end }}
{{- range $v.issuers }}
{{- if and $v.kubernetesIdentity.enabled (eq (toString .url) $v.kubernetesIdentity.issuer) }}
{{- fail "kubernetesIdentity.issuer is also in issuers: remove one of them." }}
{{- end }}
{{- end }}
{{- end }}
{{- range $v.users.lines }}
{{- if not (contains ":$argon2" .) }}
{{- fail "users.lines must contain argon2 hashes, not passwords: generate them with mathops users." }}
{{- end }}
{{- end }}
{{- if and $v.externalRedis.url $v.externalRedis.existingSecret }}
{{- fail "externalRedis.url and externalRedis.existingSecret are both set: remove one of them." }}
{{- end }}
{{- if and $v.redis.enabled (include "mathops.externalRedis" .) }}
{{- fail "redis.enabled installs Redis, but externalRedis names another one: set redis.enabled=false to use the external one." }}
{{- end }}
{{- if and $v.redis.auth.password $v.redis.auth.existingSecret }}
{{- fail "redis.auth.password and redis.auth.existingSecret are both set: remove one of them." }}
{{- end }}
{{- if and $v.kafka.enabled $v.externalKafka.brokers }}
{{- fail "kafka.enabled installs Kafka, but externalKafka.brokers names another one: set kafka.enabled=false to use the external one." }}
{{- end }}
{{- if and $v.kafka.auth.password $v.kafka.auth.existingSecret }}
{{- fail "kafka.auth.password and kafka.auth.existingSecret are both set: remove one of them." }}
{{- end }}
{{- if and $v.externalKafka.brokers (hasPrefix "sasl" $v.externalKafka.security) (not (and $v.externalKafka.username $v.externalKafka.existingSecret)) }}
{{- fail "externalKafka.security with SASL requires externalKafka.username and externalKafka.existingSecret." }}
{{- end }}
{{- if and (or $v.externalKafka.existingCaSecret $v.externalKafka.existingCertificateSecret) (not (has $v.externalKafka.security (list "ssl" "sasl_ssl"))) }}
{{- fail "externalKafka.existingCaSecret and externalKafka.existingCertificateSecret require TLS: set externalKafka.security to ssl or sasl_ssl." }}
{{- end }}
{{- if lt (int $v.terminationGracePeriodSeconds) (add (int $v.shutdown.delaySeconds) (int $v.shutdown.timeoutSeconds) 5 | int) }}
{{- fail "terminationGracePeriodSeconds is too short for a graceful shutdown: set it to at least shutdown.delaySeconds + shutdown.timeoutSeconds + 5." }}
{{- end }}
{{- if and $v.backup.enabled $external }}
{{- fail "backup.enabled copies the SQLite file, but the journal is in an external database: back that database up with its own tools." }}
{{- end }}
{{- if and $v.backup.enabled (has "ReadWriteOncePod" $v.persistence.accessModes) }}
{{- fail "backup.enabled mounts the volume in a second pod: set persistence.accessModes to ReadWriteOnce." }}
{{- end }}
{{- if and $v.backup.enabled (not $v.persistence.enabled) }}
{{- fail "backup.enabled requires persistence.enabled: without a volume there is no file to copy." }}
{{- end }}
{{- $owned := list }}
{{- if include "mathops.sqliteOnVolume" . }}{{ $owned = append $owned ($v.podSecurityContext | default dict) }}{{ end }}
{{- range $part := list $v.redis $v.kafka }}
{{- if and $part.enabled $part.persistence.enabled }}{{ $owned = append $owned ($part.podSecurityContext | default dict) }}{{ end }}
{{- end }}
{{- if and ($v.volumePermissions).enabled (not $owned) }}
{{- fail "volumePermissions.enabled changes the owner of volumes, but no component uses a volume: disable it." }}
{{- end }}
{{- range $owned }}
{{- if and ($v.volumePermissions).enabled (not (and .runAsUser .fsGroup)) }}
{{- fail "volumePermissions.enabled requires an owner: set runAsUser and fsGroup in each podSecurityContext." }}
{{- end }}
{{- end }}
{{- $volumes := dict }}
{{- if include "mathops.sqliteOnVolume" . }}{{ $_ := set $volumes "persistence" (list . "" $v.persistence) }}{{ end }}
{{- range $part := list "redis" "kafka" }}
{{- $persistence := (index $v $part).persistence }}
{{- if and (index $v $part).enabled $persistence.enabled }}{{ $_ := set $volumes (print $part ".persistence") (list $ (print "-" $part) $persistence) }}{{ end }}
{{- end }}
{{- range $path, $volume := $volumes }}
{{- $size := include "mathops.liveVolumeSize" $volume }}
{{- if and $size (ne $size (last $volume).size) }}
{{- fail (printf "%s.size is %s, but the volume has %s, and a StatefulSet cannot resize its volumes: see Enlarging a volume in the chart's README." $path (last $volume).size $size) }}
{{- end }}
{{- end }}
{{- if and $v.migrations.job.enabled (not $v.database.existingSecret) }}
{{- fail "migrations.job.enabled requires database.existingSecret, because the Job runs before the chart creates its Secrets." }}
{{- end }}
{{- if and $v.serviceMonitor.enabled $v.podMonitor.enabled }}
{{- fail "serviceMonitor.enabled and podMonitor.enabled would count every request twice: disable one of them." }}
{{- end }}
{{- range $name := list "serviceMonitor" "podMonitor" }}
{{- $monitor := get $v $name }}
{{- if and $monitor.enabled (get ($v.settings | default dict) "metrics_scope") (not $monitor.oauth2) }}
{{- fail (printf "settings.metrics_scope requires a token for every scrape: set %s.oauth2 to the OAuth client of Prometheus." $name) }}
{{- end }}
{{- end }}
{{- if and $v.scrapeAnnotations (or $v.serviceMonitor.enabled $v.podMonitor.enabled) }}
{{- fail "scrapeAnnotations and a monitor would count every request twice: disable scrapeAnnotations, or serviceMonitor.enabled and podMonitor.enabled." }}
{{- end }}
{{- if and $v.certificate.enabled (not (and $v.certificate.secretName $v.certificate.dnsNames $v.certificate.issuerRef)) }}
{{- fail "certificate.enabled requires certificate.secretName, certificate.dnsNames and certificate.issuerRef." }}
{{- end }}
{{- if and $v.httpRoute.enabled (not $v.httpRoute.parentRefs) }}
{{- fail "httpRoute.enabled requires httpRoute.parentRefs: the gateways that serve the route." }}
{{- end }}
{{- range $v.extraEnv }}
{{- if and .value (regexMatch "(PASSWORD|TOKEN|SECRET|DATABASE_URL|REDIS_URL)$" .name) }}
{{- fail (printf "extraEnv: %s would be readable in the pod specification: read it from a Secret with valueFrom." .name) }}
{{- end }}
{{- end }}
{{- end }}
