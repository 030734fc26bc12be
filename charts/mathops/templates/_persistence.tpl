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
