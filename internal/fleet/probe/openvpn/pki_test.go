package openvpn

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
	"sync"
	"testing"
	"time"
)

// AtOnce runs a subtest beside all others of wg. Most of those wait for silence,
// and t.Parallel would let no more of them wait than there are processors.
func AtOnce(t *testing.T, wg *sync.WaitGroup, name string, f func(*testing.T)) {
	t.Helper()
	wg.Go(func() { t.Run(name, f) })
}

// Pair is a certificate and its key, in PEM.
type Pair struct{ Cert, Key string }

// PKI is an authority with a server and a client.
type PKI struct {
	CA             string
	Server, Client Pair

	root    *x509.Certificate
	rootKey *ecdsa.PrivateKey
}

// NewPKI makes an authority.
func NewPKI(tb testing.TB) PKI {
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
	p := PKI{CA: root.Cert, root: ca, rootKey: caKey}
	p.Server, p.Client = p.sign(tb, server), p.sign(tb, client)
	return p
}

// sign makes a certificate of the authority.
func (p PKI) sign(tb testing.TB, c *x509.Certificate) Pair {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return issue(tb, c, p.root, key, p.rootKey)
}

func template(serial int64, name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(1_000_000_000, 0), NotAfter: time.Unix(4_000_000_000, 0),
	}
}

func issue(tb testing.TB, c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) Pair {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return Pair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b})),
	}
}

// NewStaticKey makes a static key, as bytes and as a file.
func NewStaticKey(tb testing.TB) (key []byte, file string) {
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
