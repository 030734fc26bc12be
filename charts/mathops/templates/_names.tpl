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
{{- $default := dict "app.kubernetes.io/part-of" (include "mathops.name" $) -}}
{{ include "mathops.mergedLabels" (list $ (index . 1) (index . 2) $default) }}
{{- end }}

{{- /* (list . "component" labels) */ -}}
{{- define "mathops.labels" -}}
{{- $ := index . 0 -}}
{{- $default := dict
  "app.kubernetes.io/part-of" (include "mathops.name" $)
  "app.kubernetes.io/managed-by" $.Release.Service
  "app.kubernetes.io/version" $.Chart.AppVersion
  "helm.sh/chart" (include "mathops.chart" $) -}}
{{ include "mathops.mergedLabels" (list $ (index . 1) (index . 2) $default) }}
{{- end }}

{{- /* Labels of values replace those of the chart, except in selectors. (list . "component" labels default) */ -}}
{{- define "mathops.mergedLabels" -}}
{{- $ := index . 0 -}}
{{- $selector := include "mathops.selectorLabels" . | fromYaml -}}
{{ merge $selector (index . 2 | default dict) ($.Values.commonLabels | default dict) (index . 3) | toYaml }}
{{- end }}

{{- /* Annotations of values replace those of the chart. (list . annotations default) */ -}}
{{- define "mathops.annotations" -}}
{{- $ := index . 0 -}}
{{- with merge (dict) (index . 1 | default dict) ($.Values.commonAnnotations | default dict) (index . 2) -}}
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
  {{- include "mathops.labels" (list $ (index . 1) $labels) | nindent 2 }}
{{- with include "mathops.annotations" (list $ $annotations dict) }}
annotations:
  {{- . | nindent 2 }}
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
