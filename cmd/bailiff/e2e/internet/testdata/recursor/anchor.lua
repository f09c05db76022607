clearTA(".")
addTA(".", "{{.Anchor.KeyTag}} {{.Anchor.Algorithm}} {{.Anchor.DigestType}} {{.Anchor.Digest}}")
