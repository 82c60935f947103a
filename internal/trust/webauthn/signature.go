package webauthn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"math/big"
	"slices"
)

const (
	exponent   = 65537
	minModulus = 256 // 2,048 bits
	maxModulus = 512
)

func (a Assertion) checkSignature(k Key) error {
	client := sha256.Sum256(a.ClientData)
	signed := slices.Concat(a.AuthenticatorData, client[:])
	digest := sha256.Sum256(signed)
	public := []byte(k.Public)
	var holds bool
	switch k.Algorithm {
	case "es256":
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
		if err != nil {
			return unusable()
		}
		holds = ecdsa.VerifyASN1(key, digest[:], a.Signature)
	case "eddsa":
		if len(public) != ed25519.PublicKeySize {
			return unusable()
		}
		holds = ed25519.Verify(public, signed, a.Signature)
	case "rs256":
		if len(public) < minModulus || len(public) > maxModulus || public[0] == 0 {
			return unusable()
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(public), E: exponent}
		holds = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], a.Signature) == nil
	default:
		return unusable()
	}
	if !holds {
		return refused(CodeSignature, "The signature is not one by the listed passkey over this answer.")
	}
	return nil
}

func unusable() error {
	return refused(CodeKey, "The listed passkey has a public key that cannot be used.")
}
