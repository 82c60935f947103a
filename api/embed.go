package api

import _ "embed"

//go:embed openapi.yaml
var document []byte

// Document returns the OpenAPI 3.1 document as YAML.
func Document() []byte { return document }
