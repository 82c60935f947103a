package api

import _ "embed"

//go:embed openapi.yaml
var document []byte

// Document returns the OpenAPI 3.1 document as YAML.
func Document() []byte { return document }

//go:embed errors.yaml
var errorCodes []byte

// Errors returns, as YAML, the status and the meaning of each error code.
func Errors() []byte { return errorCodes }
