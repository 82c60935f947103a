package charter

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeTooLong: The charter is longer than 64 KiB.
	CodeTooLong errs.Code = "charter_too_long"
	// CodeNotASCII: The charter holds a byte that is not printable ASCII.
	CodeNotASCII errs.Code = "charter_not_ascii"
	// CodeMalformed: The charter has another line than belongs there, or one that cannot be read.
	CodeMalformed errs.Code = "charter_malformed"
	// CodeNotCanonical: The charter says something in another spelling or order than the one allowed.
	CodeNotCanonical errs.Code = "charter_not_canonical"
	// CodeNetwork: The charter names a network that does not exist, or another genesis block.
	CodeNetwork errs.Code = "charter_network"
	// CodePrevious: The first version of a charter follows none, and each later one names its previous one.
	CodePrevious errs.Code = "charter_previous"
	// CodeOrder: Lines of the charter are not in rising order, or one stands twice.
	CodeOrder errs.Code = "charter_order"
	// CodeHold: The charter would wait longer than 90 days.
	CodeHold errs.Code = "charter_hold"
	// CodeTrusteesFew: Fewer than two trustees would sign a charter.
	CodeTrusteesFew errs.Code = "charter_trustees_few"
	// CodeTrusteesSpare: All trustees would have to sign a charter, so that one lost key ends the fund.
	CodeTrusteesSpare errs.Code = "charter_trustees_spare"
	// CodeTrusteeWithoutSSH: A trustee has no ssh key, and charters are signed by ssh only.
	CodeTrusteeWithoutSSH errs.Code = "charter_trustee_without_ssh"
	// CodeTreasury: A treasury's descriptor cannot be used, or is not in its one spelling.
	CodeTreasury errs.Code = "charter_treasury"
	// CodeSigner: A signer's treasury key is in no treasury, or two signers share one.
	CodeSigner errs.Code = "charter_signer"
	// CodeNoSigner: No signer has a key of the newest treasury.
	CodeNoSigner errs.Code = "charter_no_signer"
	// CodeLines: The lines of approvals do not rise, or the last one has an end.
	CodeLines errs.Code = "charter_lines"
	// CodeLineUnmet: A line asks for more approvals than the people or ssh keys listed can give.
	CodeLineUnmet errs.Code = "charter_line_unmet"
	// CodeReviewersFew: A line asks for fewer than two reviewers.
	CodeReviewersFew errs.Code = "charter_reviewers_few"
	// CodeTreasurersFew: A line asks for no treasurer.
	CodeTreasurersFew errs.Code = "charter_treasurers_few"
	// CodeByTerminal: A line asks for no reviewer by terminal while nothing may be paid on passkeys alone.
	CodeByTerminal errs.Code = "charter_by_terminal"
	// CodeLimit: A limit or cap is outside what is possible.
	CodeLimit errs.Code = "charter_limit"
	// CodePerson: A person has no role or no key, or two have one name.
	CodePerson errs.Code = "charter_person"
	// CodeRevoked: A person is listed and revoked at once.
	CodeRevoked errs.Code = "charter_revoked"
	// CodeReviewerAndTreasurer: One person is reviewer and treasurer.
	CodeReviewerAndTreasurer errs.Code = "charter_reviewer_and_treasurer"
	// CodeKey: A key cannot be read or used.
	CodeKey errs.Code = "charter_key"
	// CodeKeyTwice: A key stands in more than one line.
	CodeKeyTwice errs.Code = "charter_key_twice"
	// CodeMainnetTreasury: On mainnet every treasury needs at least two signers.
	CodeMainnetTreasury errs.Code = "charter_mainnet_treasury"
	// CodeMainnetHold: On mainnet a replaced charter binds for at least 24 hours more.
	CodeMainnetHold errs.Code = "charter_mainnet_hold"
	// CodeSoleOperator: A charter of a sole operator lists other people, or asks for more than one.
	CodeSoleOperator errs.Code = "charter_sole_operator"
	// CodeOtherFund: The charter is of another fund or network than the one that it should follow.
	CodeOtherFund errs.Code = "charter_other_fund"
	// CodeNotNext: The charter does not follow the other: another version, or another digest of the previous one.
	CodeNotNext errs.Code = "charter_not_next"
)
