package link

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
)

// maxCertificates is the longest chain that is read.
const maxCertificates = 16

// certificates returns the PEM of the certificates in text, in one spelling, or
// why there are none. Text around them, such as openssl's description, goes.
func certificates(text string) (out, why string) {
	var b strings.Builder
	rest := []byte(text)
	for n := 0; ; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || n == maxCertificates {
			return "", "it holds something other than certificates"
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "", "it holds a certificate that cannot be read"
		}
		b.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
	}
	if b.Len() == 0 {
		return "", "it holds no certificate"
	}
	return b.String(), ""
}

// privateKey returns the PEM of the key in text, or why there is none.
func privateKey(text string) (out, why string) {
	block, _ := pem.Decode([]byte(text))
	switch {
	case block == nil || !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return "", "it holds no private key"
	case block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "":
		return "", "the key is locked with a passphrase; give one without"
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})), ""
}

// staticKey reads OpenVPN's static key: 256 bytes in hexadecimal between its
// two markers.
func staticKey(lines []string) ([]byte, string) {
	const why = "it is not an OpenVPN static key of 2048 bits"
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	from := slices.Index(lines, "-----BEGIN OpenVPN Static key V1-----")
	to := slices.Index(lines, "-----END OpenVPN Static key V1-----")
	if from < 0 || to < from {
		return nil, why
	}
	b, err := hex.DecodeString(strings.Join(lines[from+1:to], ""))
	if err != nil || len(b) != 256 {
		return nil, why
	}
	return b, ""
}

// matches reports whether a certificate belongs to a key.
func matches(cert, key string) bool {
	_, err := tls.X509KeyPair([]byte(cert), []byte(key))
	return err == nil
}
