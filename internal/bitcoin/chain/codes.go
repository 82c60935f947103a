package chain

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeBadTransaction: These bytes are not one transaction.
	CodeBadTransaction errs.Code = "bad_transaction"
	// CodeNoBlock: The node does not have this block.
	CodeNoBlock errs.Code = "no_block"
	// CodeNoFeeCap: A transaction is never sent without a cap on its feerate.
	CodeNoFeeCap errs.Code = "no_fee_cap"
	// CodeNodeAuth: btcd refuses the user name or the password.
	CodeNodeAuth errs.Code = "node_auth"
	// CodeNodeBusy: btcd has too many clients.
	CodeNodeBusy errs.Code = "node_busy"
	// CodeNodeCert: btcd's certificate cannot be read, or it shows another one.
	CodeNodeCert errs.Code = "node_cert"
	// CodeNodeConfig: The settings for btcd are incomplete.
	CodeNodeConfig errs.Code = "node_config"
	// CodeNodeDown: btcd does not answer.
	CodeNodeDown errs.Code = "node_down"
	// CodeNodeError: btcd answered the call with an error.
	CodeNodeError errs.Code = "node_error"
	// CodeNodeLimitedUser: btcd refuses the call to this user: it needs --rpcuser, not --rpclimituser.
	CodeNodeLimitedUser errs.Code = "node_limited_user"
	// CodeNodeNonsense: btcd answered with something that cannot be read.
	CodeNodeNonsense errs.Code = "node_nonsense"
	// CodeNodePass: The file with btcd's password cannot be read.
	CodeNodePass errs.Code = "node_pass"
	// CodeNodeRelayFee: btcd relays from a lower feerate on than its network does.
	CodeNodeRelayFee errs.Code = "node_relay_fee"
	// CodeNodeSlow: btcd did not answer in time.
	CodeNodeSlow errs.Code = "node_slow"
	// CodeNodeTooOld: btcd does not know a call that is needed.
	CodeNodeTooOld errs.Code = "node_too_old"
	// CodeNodeWrongNetwork: btcd is on another network.
	CodeNodeWrongNetwork errs.Code = "node_wrong_network"
)
