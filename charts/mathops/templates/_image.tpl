{{- /* Parts of every pod that runs the image of the service: the server, the migration, the backup, and the tests. */ -}}

{{- /* Fields of the pod. (list . values of the scheduling fields) */ -}}
{{- define "mathops.imagePod" -}}
{{- $ := index . 0 }}
{{- include "mathops.podDefaults" (list $ $.Values.podSecurityContext) }}
{{- with include "mathops.scheduling" . }}
{{ trim . }}
{{- end }}
{{- with $.Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- if not (kindIs "invalid" $.Values.hostUsers) }}
hostUsers: {{ $.Values.hostUsers }}
{{- end }}
{{- with $.Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $.Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with $.Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Fields of the container. */ -}}
{{- define "mathops.imageContainer" -}}
image: {{ include "mathops.image" (list . .Values.image .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- tpl (toYaml .) $ | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- end }}

{{- define "mathops.imageMounts" -}}
- name: tmp
  mountPath: /tmp
{{- range $name, $_ := include "mathops.kafkaCertificateSecrets" . | fromYaml }}
- name: {{ $name }}
  mountPath: /etc/mathops/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}

{{- define "mathops.imageVolumes" -}}
- name: tmp
  emptyDir: {}
{{- range $name, $secret := include "mathops.kafkaCertificateSecrets" . | fromYaml }}
- name: {{ $name }}
  secret:
    secretName: {{ $secret }}
    defaultMode: 0440
{{- end }}
{{- with .Values.extraVolumes }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}
