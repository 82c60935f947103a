package app

import "github.com/causeway-fund/causeway/internal/errs"

// The codes of this package's errors and what each means.
const (
	// CodeAnchorMalformed: An anchor is not host:port.
	CodeAnchorMalformed errs.Code = "anchor_malformed"
	// CodeAPIProxyMalformed: The proxy on the way to the service has the form socks5://host:port or http://host:port.
	CodeAPIProxyMalformed errs.Code = "api_proxy_malformed"
	// CodeChecksMalformed: The file of check settings cannot be used.
	CodeChecksMalformed errs.Code = "checks_malformed"
	// CodeChecksUnreadable: The file of check settings cannot be read.
	CodeChecksUnreadable errs.Code = "checks_unreadable"
	// CodeEchoKeyShort: The echo server's key is too short.
	CodeEchoKeyShort errs.Code = "echo_key_short"
	// CodeEnrolmentTokenMalformed: This is not an enrolment token.
	CodeEnrolmentTokenMalformed errs.Code = "enrolment_token_malformed"
	// CodeExitLoginMalformed: The file with the exit's login holds user:password.
	CodeExitLoginMalformed errs.Code = "exit_login_malformed"
	// CodeExitMalformed: The exit has the form socks5://ip:port; a user and a password go into a file.
	CodeExitMalformed errs.Code = "exit_malformed"
	// CodeFundExists: This database has a fund already.
	CodeFundExists errs.Code = "fund_exists"
	// CodeNetworkMalformed: The value is not a network such as 127.0.0.0/8.
	CodeNetworkMalformed errs.Code = "network_malformed"
	// CodeNodesDisagree: The two nodes have different blocks at one height.
	CodeNodesDisagree errs.Code = "nodes_disagree"
	// CodeNotRelayed: The node did not take the transaction now.
	CodeNotRelayed errs.Code = "not_relayed"
	// CodeNotWorking: A part of the worker does not work now.
	CodeNotWorking errs.Code = "not_working"
	// CodeOnionListen: --onion-listen cannot be used.
	CodeOnionListen errs.Code = "onion_listen"
	// CodePlacesUnreadable: The file of networks and countries cannot be read.
	CodePlacesUnreadable errs.Code = "places_unreadable"
	// CodeProberEnrolled: The prober has a state file already.
	CodeProberEnrolled errs.Code = "prober_enrolled"
	// CodeResolverMalformed: The value is not the ip:port of a resolver.
	CodeResolverMalformed errs.Code = "resolver_malformed"
	// CodeResolverMissing: With an exit, name at least one resolver: looking names up from here would reveal what is checked.
	CodeResolverMissing errs.Code = "resolver_missing"
	// CodeSecretUnreadable: A file with a secret cannot be read.
	CodeSecretUnreadable errs.Code = "secret_unreadable"
	// CodeSettingMissing: A file that is needed was not named.
	CodeSettingMissing errs.Code = "setting_missing"
	// CodeStaffAmbiguous: Several disabled people had this name.
	CodeStaffAmbiguous errs.Code = "staff_ambiguous"
	// CodeTooFewFiles: The limit on open files is too low for a single check.
	CodeTooFewFiles errs.Code = "too_few_files"
	// CodeTwoExits: Checks go out through --exit or through --tor, not both.
	CodeTwoExits errs.Code = "two_exits"
	// CodeWrongAuditKey: The audit key file is for the log of another fund.
	CodeWrongAuditKey errs.Code = "wrong_audit_key"
)
