rpzFile("{{.Rules}}/rpz.zone", {policyName="bench"})
