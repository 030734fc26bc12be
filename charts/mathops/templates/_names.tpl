{{- /* Names and labels. */ -}}
{{- define "mathops.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* 45 characters leave space for the longest suffix, "-kafka-headless" and a pod number. */ -}}
{{- define "mathops.fullname" -}}
{{- $name := include "mathops.name" . }}
{{- $full := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name)) }}
{{- $full | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "mathops.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "mathops.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* Labels that never change, for selectors and volumeClaimTemplates. (list . "component") */ -}}
{{- define "mathops.selectorLabels" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "mathops.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* Pod labels without versions, so that a new chart version alone restarts no pod. (list . "component" labels) */ -}}
{{- define "mathops.podLabels" -}}
{{- $ := index . 0 -}}
{{ include "mathops.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "mathops.name" $ }}
{{- with merge (dict) (index . 2) $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "mathops.labels" -}}
{{- $ := index . 0 -}}
{{ include "mathops.selectorLabels" . }}
app.kubernetes.io/part-of: {{ include "mathops.name" $ }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
helm.sh/chart: {{ include "mathops.chart" $ }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Metadata of an object. (list . "component" "-suffix" annotations namespace labels); the last three are optional. */ -}}
{{- define "mathops.metadata" -}}
{{- $ := index . 0 -}}
{{- $annotations := dict -}}
{{- if gt (len .) 3 }}{{ $annotations = index . 3 }}{{ end -}}
{{- $namespace := "" -}}
{{- if gt (len .) 4 }}{{ $namespace = index . 4 }}{{ end -}}
{{- $labels := dict -}}
{{- if gt (len .) 5 }}{{ $labels = index . 5 }}{{ end -}}
name: {{ include "mathops.fullname" $ }}{{ index . 2 }}
namespace: {{ $namespace | default (include "mathops.namespace" $) }}
labels:
  {{- include "mathops.labels" (list $ (index . 1)) | nindent 2 }}
  {{- with $labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) $annotations $.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mathops.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "mathops.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- /* (list . .Values.image "default tag") */ -}}
{{- define "mathops.image" -}}
{{- $ := index . 0 }}{{ $image := index . 1 -}}
{{- $registry := $.Values.global.imageRegistry | default $image.registry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default (index . 2) }}{{ end }}
{{- end }}
