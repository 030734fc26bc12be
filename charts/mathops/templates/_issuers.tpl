{{- /* The document of MATHOPS_ISSUERS_FILE; empty without issuers. */ -}}
{{- define "mathops.issuers" -}}
{{- $issuers := .Values.issuers | default list }}
{{- with .Values.kubernetesIdentity | default dict }}
{{- if .enabled }}
{{- $grants := list }}
{{- range .serviceAccounts }}
{{- $subject := printf "system:serviceaccount:%s:%s" .namespace .name }}
{{- $grants = append $grants (dict "claim" "sub" "value" $subject "scopes" .scopes) }}
{{- end }}
{{- $folder := "/etc/mathops/kubernetes" }}
{{- $issuer := dict "url" .issuer "audience" .audience "algorithms" (list "RS256" "ES256") "grants" $grants }}
{{- $keys := dict "jwks_url" "https://kubernetes.default.svc/openid/v1/jwks" "ca_file" (printf "%s/ca.crt" $folder) "token_file" (printf "%s/token" $folder) }}
{{- $issuers = append $issuers (merge $issuer $keys) }}
{{- end }}
{{- end }}
{{- with $issuers }}{{ toYaml (dict "issuers" .) }}{{ end }}
{{- end }}
