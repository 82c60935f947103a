package probetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Certificate is a certificate with its key, and the pool that trusts it.
type Certificate struct {
	TLS     tls.Certificate
	Roots   *x509.CertPool
	CertPEM []byte
	KeyPEM  []byte
}

// NewCertificate makes a certificate for names that ended or ends at until.
func NewCertificate(tb testing.TB, until time.Time, names ...string) Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, NotBefore: time.Unix(1_000_000_000, 0), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	out := Certificate{
		TLS:     tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		Roots:   x509.NewCertPool(),
		CertPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}),
	}
	out.Roots.AppendCertsFromPEM(out.CertPEM)
	return out
}

// FarFuture is when certificates of tests end.
func FarFuture() time.Time { return time.Unix(4_000_000_000, 0) }

// ServeTLS is Serve inside TLS.
func ServeTLS(tb testing.TB, cert Certificate, serve func(net.Conn)) probe.Address {
	tb.Helper()
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert.TLS}}
	return Serve(tb, func(c net.Conn) { serve(tls.Server(c, cfg)) })
}

// Join connects to addr and copies both ways until one side ends.
func Join(ctx context.Context, c io.ReadWriter, addr string) {
	up, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		_, _ = io.Copy(up, c)
		up.Close()
	}()
	_, _ = io.Copy(c, up)
}
