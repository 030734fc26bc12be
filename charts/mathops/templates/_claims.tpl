{{- /* Size and class of a claim, from values with size and storageClass. */ -}}
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
