rpzFile("{{.Rules}}/rpz.zone", {policyName="bench"})
{{- if .Control}}
rpzFile("{{.Rules}}/change/rpz.zone", {policyName="change"})
{{- end}}
