{{- /* Address of the page with the runbooks, and its default, which alerts and dashboards contain. */ -}}
{{- define "mathops.runbookUrl" -}}
{{- .Values.prometheusRule.runbookUrl | default (include "mathops.defaultRunbookUrl" .) }}
{{- end }}

{{- define "mathops.defaultRunbookUrl" -}}
{{- .Chart.Home }}/blob/main/docs/runbooks.md
{{- end }}
