{{- /*
Number of replicas, or nothing if an autoscaler sets it: that of the chart, or another one with replicaCount=null.

A number that was applied and is no longer rendered becomes Kubernetes' default, 1. The live number is therefore rendered
as long as the release owns the field. With server-side apply the autoscaler becomes the owner by its first change. With
client-side apply every owner counts, because Helm compares the manifests of both revisions.
*/ -}}
{{- define "mathops.replicas" -}}
{{- if and .Values.replicaCount (not .Values.autoscaling.enabled) }}
{{- .Values.replicaCount }}
{{- else }}
{{- $live := lookup "apps/v1" "Deployment" (include "mathops.namespace" .) (include "mathops.fullname" .) | default dict }}
{{- $managers := dig "metadata" "managedFields" list $live }}
{{- $appliers := list }}{{ $owned := false }}
{{- range $managers }}
{{- if eq .operation "Apply" }}{{ $appliers = append $appliers . }}{{ end }}
{{- end }}
{{- range $appliers | default $managers }}
{{- if hasKey (dig "fieldsV1" "f:spec" dict .) "f:replicas" }}{{ $owned = true }}{{ end }}
{{- end }}
{{- if $owned }}{{ $live.spec.replicas }}{{ end }}
{{- end }}
{{- end }}
