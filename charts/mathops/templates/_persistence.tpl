{{- /* Size and storage class of a claim. */ -}}
{{- define "mathops.claimSpec" -}}
resources:
  requests:
    storage: {{ .size }}
{{- if eq .storageClass "-" }}
storageClassName: ""
{{- else if .storageClass }}
storageClassName: {{ .storageClass }}
{{- end }}
{{- end }}

{{- /*
Size of the volume in the live StatefulSet. Empty without one, and if its unit differs from that of the value, because
the API server may have converted the value. (list . "-suffix" persistence)
*/ -}}
{{- define "mathops.liveVolumeSize" -}}
{{- $ := index . 0 }}{{ $unit := regexReplaceAll "[0-9.]" (index . 2).size "" }}
{{- $live := lookup "apps/v1" "StatefulSet" (include "mathops.namespace" $) (print (include "mathops.fullname" $) (index . 1)) | default dict }}
{{- range dig "spec" "volumeClaimTemplates" list $live }}
{{- $size := .spec.resources.requests.storage }}
{{- if eq $unit (regexReplaceAll "[0-9.]" $size "") }}{{ $size }}{{ end }}
{{- end }}
{{- end }}
