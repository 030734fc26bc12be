{{- /* Pod template of the service, shared by StatefulSet and Deployment. */ -}}
{{- define "mathops.pod" -}}
metadata:
  labels:
    {{- include "mathops.podLabels" (list . "server" .Values.podLabels) | nindent 4 }}
  annotations:
    {{- $default := dict "kubectl.kubernetes.io/default-container" "mathops" "checksum/secrets" (include "mathops.secretsChecksum" .) }}
    {{- if .Values.scrapeAnnotations }}
    {{- $default = merge $default (dict "prometheus.io/scrape" "true" "prometheus.io/port" "5000" "prometheus.io/path" "/metrics") }}
    {{- end }}
    {{- include "mathops.annotations" (list . .Values.podAnnotations $default) | nindent 4 }}
spec:
  serviceAccountName: {{ include "mathops.serviceAccountName" . }}
  {{- include "mathops.imagePod" (list . .Values) | nindent 2 }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{ merge (dict) . (dict "labelSelector" (dict "matchLabels" (include "mathops.selectorLabels" (list $ "server") | fromYaml))) | toYaml | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  {{- $mounts := dict "data" "/data" }}
  {{- if .Values.backup.enabled }}{{ $_ := set $mounts "backups" "/backups" }}{{ end }}
  {{- $permissions := and (.Values.volumePermissions).enabled (include "mathops.sqliteOnVolume" .) }}
  {{- if or $permissions .Values.extraInitContainers }}
  initContainers:
    {{- if $permissions }}
    {{- include "mathops.volumePermissions" (list . .Values.image .Chart.AppVersion .Values.podSecurityContext $mounts) | nindent 4 }}
    {{- end }}
    {{- with .Values.extraInitContainers }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    - name: mathops
      {{- include "mathops.imageContainer" . | nindent 6 }}
      env:
        {{- include "mathops.withExtraEnv" (list . (include "mathops.environment" .)) | nindent 8 }}
      ports:
        - name: http
          containerPort: 5000
          protocol: TCP
      {{- range $probe := list "startupProbe" "readinessProbe" "livenessProbe" }}
      {{- with index $.Values $probe }}
      {{ $probe }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- with .Values.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        - name: keys
          mountPath: /etc/mathops/keys
          readOnly: true
        {{- if include "mathops.usersSecret" . }}
        - name: users
          mountPath: /etc/mathops/users
          readOnly: true
        {{- end }}
        {{- if include "mathops.issuers" . }}
        - name: issuers
          mountPath: /etc/mathops/issuers
          readOnly: true
        {{- end }}
        {{- if (.Values.kubernetesIdentity | default dict).enabled }}
        - name: kubernetes
          mountPath: /etc/mathops/kubernetes
          readOnly: true
        {{- end }}
        {{- if .Values.backup.enabled }}
        - name: backups
          mountPath: /backups
        {{- end }}
        {{- include "mathops.imageMounts" . | nindent 8 }}
    {{- with .Values.extraContainers }}
    {{- tpl (toYaml .) $ | nindent 4 }}
    {{- end }}
  volumes:
    {{- if or (include "mathops.externalDatabase" .) (not .Values.persistence.enabled) }}
    - name: data
      emptyDir: {}
    {{- else if .Values.persistence.existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ .Values.persistence.existingClaim }}
    {{- end }}
    # Mounted as a directory, because a file mounted with subPath is not updated while the pod runs.
    - name: keys
      secret:
        secretName: {{ include "mathops.keysSecret" . }}
        defaultMode: 0440
        items:
          - key: {{ .Values.keys.existingSecret | empty | ternary "keys.json" .Values.keys.existingSecretKey }}
            path: keys.json
    {{- with include "mathops.usersSecret" . }}
    - name: users
      secret:
        secretName: {{ . }}
        defaultMode: 0440
        items:
          - key: {{ $.Values.users.existingSecret | empty | ternary "users" $.Values.users.existingSecretKey }}
            path: users
    {{- end }}
    {{- if include "mathops.issuers" . }}
    - name: issuers
      configMap:
        name: {{ include "mathops.fullname" . }}-issuers
    {{- end }}
    {{- if (.Values.kubernetesIdentity | default dict).enabled }}
    - name: kubernetes
      projected:
        defaultMode: 0440
        sources:
          - serviceAccountToken:
              path: token
              expirationSeconds: 3600
          - configMap:
              name: kube-root-ca.crt
              items:
                - key: ca.crt
                  path: ca.crt
    {{- end }}
    # Mounted in the service pod too, so that the claim is bound at once and copies can be restored from this pod.
    {{- if .Values.backup.enabled }}
    - name: backups
      persistentVolumeClaim:
        claimName: {{ include "mathops.backupClaim" . }}
    {{- end }}
    {{- include "mathops.imageVolumes" . | nindent 4 }}
{{- end }}

{{- /* Fields that every pod of the chart has. (list . podSecurityContext) */ -}}
{{- define "mathops.podDefaults" -}}
{{- $ := index . 0 -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml (index . 1) | nindent 2 }}
{{- with $.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name }}{{ else }}{{ . }}{{ end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Init container that changes the owner of volumes. (list . image "default tag" podSecurityContext mounts); mounts maps volumes to paths. */ -}}
{{- define "mathops.volumePermissions" -}}
{{- $ := index . 0 }}{{ $image := index . 1 }}{{ $owner := index . 3 }}{{ $mounts := index . 4 -}}
- name: volume-permissions
  image: {{ include "mathops.image" (list $ $image (index . 2)) }}
  imagePullPolicy: {{ $image.pullPolicy }}
  command:
    - chown
    - -R
    - {{ printf "%d:%d" (int64 $owner.runAsUser) (int64 $owner.fsGroup) | quote }}
    {{- range $mounts }}
    - {{ . }}
    {{- end }}
  resources:
    {{- $resources := dict "requests" (dict "cpu" "10m" "memory" "16Mi") "limits" (dict "memory" "64Mi") }}
    {{- $.Values.volumePermissions.resources | default $resources | toYaml | nindent 4 }}
  securityContext:
    runAsUser: 0
    runAsNonRoot: false
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL], add: [CHOWN, DAC_OVERRIDE]}
  volumeMounts:
    {{- range $name, $path := $mounts }}
    - name: {{ $name }}
      mountPath: {{ $path }}
    {{- end }}
{{- end }}

{{- /* Scheduling fields of a pod. (list . values) */ -}}
{{- define "mathops.scheduling" }}
{{- $ := index . 0 }}{{ $values := index . 1 }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with index $values $field }}
{{ $field }}:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}
