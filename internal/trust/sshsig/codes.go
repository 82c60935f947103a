package sshsig

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeArmor: The text is not an SSH signature as ssh-keygen writes it.
	CodeArmor errs.Code = "sshsig_armor"
	// CodeBadKey: The SSH key cannot be read.
	CodeBadKey errs.Code = "sshsig_bad_key"
	// CodeHash: The SSH signature does not use SHA-512.
	CodeHash errs.Code = "sshsig_hash"
	// CodeKeyType: The SSH key is neither ssh-ed25519 nor sk-ssh-ed25519@openssh.com.
	CodeKeyType errs.Code = "sshsig_key_type"
	// CodeMalformed: The SSH signature is cut short, goes on after its end, or is of another version.
	CodeMalformed errs.Code = "sshsig_malformed"
	// CodeNamespace: The SSH signature was made for something else than Causeway.
	CodeNamespace errs.Code = "sshsig_namespace"
	// CodeUntouched: The security key was not touched when it signed.
	CodeUntouched errs.Code = "sshsig_untouched"
	// CodeWrong: The SSH signature is not one over this text by this key.
	CodeWrong errs.Code = "sshsig_wrong"
)
