package openvpn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// secure makes the TLS handshake over s. It passes the stage handshake and notes
// the server's certificate.
func (v *Server) secure(ctx context.Context, s *session) (*tls.Conn, error) {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, by the profile's rules
		VerifyConnection:   v.verify,
		Time:               v.env.Clock.Now,
		Rand:               v.env.Rand,
		// Small enough for the first message to fit into few packets.
		CurvePreferences:       []tls.CurveID{tls.X25519, tls.CurveP256},
		SessionTicketsDisabled: true,
	}
	if v.cert != nil {
		// Whatever authorities the server names: it shall say no by itself.
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return v.cert, nil }
	}
	t := tls.Client(s, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, v.refusal(probe.StageHandshake, err)
	}
	v.env.Trace.Pass(probe.StageHandshake)
	v.env.Trace.Met(t.ConnectionState().PeerCertificates[0].Raw)
	return t, nil
}

// verify holds the server's certificate against the profile: ca,
// remote-cert-tls and verify-x509-name.
func (v *Server) verify(state tls.ConnectionState) error {
	wrong := func(why string) error {
		return probe.Fail(probe.StageHandshake, probe.ClassProtocolMismatch, "%s", why)
	}
	if len(state.PeerCertificates) == 0 {
		return wrong("the server shows no certificate")
	}
	leaf, between := state.PeerCertificates[0], x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		between.AddCert(c)
	}
	options := x509.VerifyOptions{
		Roots:         v.roots,
		Intermediates: between,
		CurrentTime:   v.env.Clock.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	_, err := leaf.Verify(options)
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return wrong("the server's certificate has expired or is not valid yet")
	case err != nil:
		return wrong("the server's certificate is not of the profile's authority")
	// Go takes a certificate without any usage for one of every usage.
	case v.spec.ServerUsage && (leaf.KeyUsage == 0 || !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth)):
		return wrong("the server's certificate is not one for servers")
	case v.spec.VerifyName != "" && leaf.Subject.CommonName != v.spec.VerifyName:
		return wrong("the server's certificate has another name than the profile asks for")
	}
	return nil
}

// refusal gives an error of TLS its place: what the server says about our
// certificate is of the stage auth. In TLS 1.3 it says so after the handshake.
func (v *Server) refusal(stage probe.Stage, err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return probe.InTLS(stage, err)
	}
	said := op.Err.Error()
	class, detail := probe.ClassAuthRejected, "the server does not accept the client's certificate"
	switch {
	case !strings.Contains(said, "certificate") && !strings.Contains(said, "access denied"):
		return &probe.Error{
			Stage:  stage,
			Class:  probe.ClassProtocolMismatch,
			Detail: "the server ended TLS",
			Cause:  err,
		}
	case v.cert == nil:
		class, detail = probe.ClassAuthRequired, "the server asks for a client's certificate"
	}
	return &probe.Error{Stage: probe.StageAuth, Class: class, Detail: detail, Cause: err}
}
