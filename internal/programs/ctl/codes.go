package ctl

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAnswerLost: The call was sent and no answer came: it may or may not have been done.
	CodeAnswerLost errs.Code = "answer_lost"
	// CodeInterrupted: The program was told to stop before it was done.
	CodeInterrupted errs.Code = "interrupted"
	// CodeNoRole: The person has no role in which this note is approved.
	CodeNoRole errs.Code = "no_role"
	// CodeNotANote: The file is no note that people approve.
	CodeNotANote errs.Code = "not_a_note"
	// CodeNotInCharter: The charter lists nobody with this name or key.
	CodeNotInCharter errs.Code = "not_in_charter"
	// CodeNoTrustee: The key that signed belongs to no trustee of the charter.
	CodeNoTrustee errs.Code = "no_trustee"
	// CodeNoWay: There is no way to prove control of this server.
	CodeNoWay errs.Code = "no_way"
	// CodeNotAFund: The answer is not one of a Causeway fund.
	CodeNotAFund errs.Code = "not_a_fund"
	// CodeNoConfigDir: There is no folder for what this program keeps.
	CodeNoConfigDir errs.Code = "no_config_dir"
	// CodePinDamaged: A charter that was verified and kept was changed on the disk.
	CodePinDamaged errs.Code = "charter_pin_damaged"
	// CodePinFork: The charter is another text than the verified one of its version.
	CodePinFork errs.Code = "charter_pin_fork"
	// CodePinOlder: The charter is not newer than the newest verified one.
	CodePinOlder errs.Code = "charter_pin_older"
	// CodeNotAccountedFor: The treasury is not accounted for.
	CodeNotAccountedFor errs.Code = "not_accounted_for"
	// CodeNotConfirmed: Not confirmed.
	CodeNotConfirmed errs.Code = "not_confirmed"
	// CodeResultsWrong: The uptime does not follow from its results.
	CodeResultsWrong errs.Code = "results_wrong"
	// CodeSealed: This token may not open what is sealed, so the note cannot be checked.
	CodeSealed errs.Code = "sealed"
	// CodeSecretMalformed: A file with a secret must hold one line.
	CodeSecretMalformed errs.Code = "secret_malformed"
	// CodeSSHKeygen: ssh-keygen did not sign.
	CodeSSHKeygen errs.Code = "ssh_keygen_failed"
	// CodeUnreachable: The fund does not answer.
	CodeUnreachable errs.Code = "unreachable"
	// CodeTokenShown: An earlier attempt made it, and its token is shown once.
	CodeTokenShown errs.Code = "token_shown"
)
