package openvpn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// pair is a certificate and its key, in PEM.
type pair struct{ cert, key string }

// pki is an authority with a server and a client.
type pki struct {
	ca             string
	server, client pair
}

func newPKI(tb testing.TB) pki {
	tb.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	ca := template(1, "authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	root := issue(tb, ca, ca, caKey, caKey)
	server := template(2, "server")
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := template(3, "client")
	client.KeyUsage, client.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return pki{ca: root.cert, server: signed(tb, server, ca, caKey), client: signed(tb, client, ca, caKey)}
}

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(1_000_000_000, 0), NotAfter: time.Unix(4_000_000_000, 0),
	}
}

func signed(tb testing.TB, c, by *x509.Certificate, byKey *ecdsa.PrivateKey) pair {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return issue(tb, c, by, key, byKey)
}

func issue(tb testing.TB, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) pair {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return pair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})),
	}
}

// staticKey makes a static key, as bytes and as a file.
func staticKey(tb testing.TB) (key []byte, file string) {
	tb.Helper()
	key = make([]byte, 256)
	if _, err := rand.Read(key); err != nil {
		tb.Fatal(err)
	}
	var lines strings.Builder
	for i := 0; i < len(key); i += 16 {
		lines.WriteString(hex.EncodeToString(key[i:i+16]) + "\n")
	}
	return key, "-----BEGIN OpenVPN Static key V1-----\n" + lines.String() + "-----END OpenVPN Static key V1-----\n"
}
