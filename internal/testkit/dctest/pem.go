package dctest

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
)

// KeysPEM is Keys as the service gives them to its probers.
func KeysPEM(tb testing.TB) string {
	tb.Helper()
	return string(
		pem.EncodeToMemory(
			&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&private(tb).PublicKey)},
		),
	)
}
