{{- /* "true" if a container exports the metrics of the service. (list . "redis") */ -}}
{{- define "mathops.exporter" -}}
{{- $service := index (index . 0).Values (index . 1) }}
{{- if and $service.enabled ($service.exporter).enabled }}true{{ end }}
{{- end }}

{{- /* Names of the services whose metrics are exported, by this chart or apart from it, as JSON. */ -}}
{{- define "mathops.exportedServices" -}}
{{- $names := .Values.dashboards.exporters | default list }}
{{- range list "redis" "kafka" }}
{{- if include "mathops.exporter" (list $ .) }}{{ $names = append $names . }}{{ end }}
{{- end }}
{{- $names | toJson }}
{{- end }}

{{- /* Fields of the container, except its command and its environment. (list . exporter "repository" "tag" port) */ -}}
{{- define "mathops.exporterContainer" -}}
{{- $ := index . 0 }}{{ $exporter := index . 1 }}
{{- $image := dict "registry" "docker.io" "repository" (index . 2) "tag" (index . 3) "digest" "" "pullPolicy" "IfNotPresent" }}
{{- $image = merge (dict) ($exporter.image | default dict) $image -}}
image: {{ include "mathops.image" (list $ $image "") }}
imagePullPolicy: {{ $image.pullPolicy }}
ports:
  - name: metrics
    containerPort: {{ index . 4 }}
    protocol: TCP
# The root page does not scrape.
livenessProbe:
  httpGet: {path: /, port: metrics}
  periodSeconds: 10
  failureThreshold: 18
resources:
  {{- $resources := dict "requests" (dict "cpu" "5m" "memory" "24Mi") "limits" (dict "memory" "64Mi") }}
  {{- $exporter.resources | default $resources | toYaml | nindent 2 }}
securityContext:
  {{- toYaml $.Values.containerSecurityContext | nindent 2 }}
{{- end }}

{{- /* Rule of a NetworkPolicy for scrapes of the exporter. */ -}}
{{- define "mathops.exporterIngress" -}}
- ports:
    - {port: metrics, protocol: TCP}
  {{- include "mathops.scrapeSources" . | nindent 2 }}
{{- end }}

{{- /* Panels of the rows of exported services, moved up over the omitted rows, as JSON. (list panels names) */ -}}
{{- define "mathops.exportedRows" -}}
{{- $names := index . 1 }}{{ $panels := list }}{{ $moved := 0 }}{{ $gap := -1 }}{{ $shown := true }}
{{- range index . 0 }}
{{- $y := int .gridPos.y }}
{{- if eq .type "row" }}
{{- if ge $gap 0 }}{{ $moved = add $moved (sub $y $gap) }}{{ $gap = -1 }}{{ end }}
{{- $shown = has (lower .title) $names }}
{{- if not $shown }}{{ $gap = $y }}{{ end }}
{{- end }}
{{- if $shown }}
{{- $_ := set .gridPos "y" (sub $y $moved) }}
{{- $panels = append $panels . }}
{{- end }}
{{- end }}
{{- $panels | toJson }}
{{- end }}
