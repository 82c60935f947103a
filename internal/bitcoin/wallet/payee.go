package wallet

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
)

// PayeeField is the field name that ParsePayee's errors carry.
const PayeeField = "payout_address"

const (
	// maxAddressLen is above the 90 characters that BIP 173 allows.
	maxAddressLen = 100
	// MaxPayeeText is more than any payment link has that people paste for an address.
	MaxPayeeText = 2000
)

// Payee is a place that can be paid: the canonical address, and the output
// script it stands for. The script is what counts.
type Payee struct {
	Address string
	Script  []byte
}

// PayeeRules are what a fund's policy says about who can be paid.
type PayeeRules struct {
	// AllowFutureWitness lets witness versions 2 to 16 pass, whose programs are 2
	// to 40 bytes (BIPs 141 and 350). No rule protects such coins yet: whoever
	// asks for them trusts a change of consensus to come. btcd does not relay
	// them by default.
	AllowFutureWitness bool
}

// ParsePayee is PayeeRules.Parse under the strictest rules.
func ParsePayee(text string, net *chaincfg.Params, isTreasury func(script []byte) bool) (Payee, *errs.Field) {
	return PayeeRules{}.Parse(text, net, isTreasury)
}

// Parse reads an address of net as a person gives it: P2PKH, P2SH, P2WPKH, P2WSH
// or P2TR, and what the rules allow besides. It may stand in groups, as devices show
// it, or in a bitcoin: link (BIPs 21 and 321), of which the address alone counts.
// isTreasury tells the scripts that the treasury itself owns, which nobody may be paid
// at; it may be nil.
//
// The field error has one of the codes required, not_an_address, wrong_network (with
// params network and expected), bad_checksum, mixed_case, unknown_witness_version,
// unspendable, treasury_script, several_addresses, unsupported_link, or one of
// Recognise, which says what the text is instead. No error holds any of the text.
func (r PayeeRules) Parse(text string, net *chaincfg.Params, isTreasury func(script []byte) bool) (Payee, *errs.Field) {
	if Squeeze(text) == "" {
		return Payee{}, payeeError(errs.CodeRequired, "Give a Bitcoin address to be paid at.")
	}
	if len(text) > MaxPayeeText {
		return Payee{}, notAnAddress()
	}
	address, bad := CleanAddress(text)
	if bad != nil {
		return Payee{}, bad
	}
	payee, bad := r.parseOn(address, net)
	if bad != nil {
		return Payee{}, bad
	}
	if isTreasury != nil && isTreasury(payee.Script) {
		return Payee{}, payeeError(
			CodeTreasuryScript,
			"This address belongs to the treasury itself. Give one of your own.",
		)
	}
	return payee, nil
}

// CleanAddress takes an address out of what people paste for one: groups, marks that
// nobody sees, a bitcoin: link. It does not look at the checksum. What is known to be
// something else is refused with the codes of Recognise, several_addresses or
// unsupported_link.
func CleanAddress(text string) (string, *errs.Field) {
	if found, ok := recogniseSecret(text); ok {
		return "", notThis(found)
	}
	// What does not look like an address keeps its spaces: it is not made one of words.
	plain := strings.TrimFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	address := Squeeze(text)
	if link, ok := cutPrefixFold(address, "bitcoin:"); ok {
		var bad *errs.Field
		if address, bad = addressOfLink(link); bad != nil {
			return "", bad
		}
		plain = address
	} else if at := strings.IndexByte(address, '?'); at > 0 && looksLikeAddress(address[:at]) {
		var bad *errs.Field
		if address, bad = addressOfLink(address); bad != nil {
			return "", bad
		}
	} else if several(text) {
		return "", payeeError(CodeSeveralAddresses, "These are several addresses. Give one.")
	}
	if looksLikeAddress(address) {
		return address, nil
	}
	if found, ok := Recognise(address); ok && found.Code != FoundAddress {
		return "", notThis(found)
	}
	return plain, nil
}

// addressOfLink reads what follows bitcoin: (BIP 21). The address may stand among the
// parameters instead, under the name of its network's prefix (BIP 321). Parameters say
// what somebody else would like to be paid; here the decision says it.
func addressOfLink(link string) (string, *errs.Field) {
	address, query, _ := strings.Cut(strings.TrimPrefix(link, "//"), "?")
	other := ""
	for _, param := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(param, "=")
		name = strings.ToLower(name)
		switch {
		case strings.HasPrefix(name, "req-"):
			return "", payeeError(
				CodeUnsupportedLink,
				"This payment link asks for something that is not supported here. Paste the address alone.",
			)
		case address == "" && slices.ContainsFunc(networks(), func(n *chaincfg.Params) bool { return name == n.Bech32HRPSegwit }):
			address = value
		case value != "" && (name == "lightning" || name == "lno" || name == "sp"):
			other = value
		}
	}
	if address != "" {
		return address, nil
	}
	if found, ok := Recognise(other); ok {
		return "", notThis(found)
	}
	return "", payeeError(CodeUnsupportedLink, "This payment link holds no Bitcoin address. Paste the address alone.")
}

func cutPrefixFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// looksLikeAddress reports whether a text begins like a segwit address of a network
// that we know, or has what an old one has: a version, a hash and four bytes more.
func looksLikeAddress(text string) bool {
	if _, ok := segwitPrefix(text); ok {
		return true
	}
	raw := base58.Decode(text)
	return len(raw) == 1+20+4 && len(base58Networks(raw[0])) > 0
}

// several reports whether a text holds more than one address, each whole.
func several(text string) bool {
	n := 0
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' }) {
		if whole := Squeeze(word); len(whole) >= 26 && looksLikeAddress(whole) {
			n++
		}
	}
	return n > 1
}

// notThis says what a text is that is not an address which can be paid.
func notThis(found Found) *errs.Field {
	message := "This is " + found.Name + ", not a Bitcoin address. Give a Bitcoin address, for example one that starts with bc1q or bc1p."
	switch found.Code {
	case FoundPrivateKey:
		message = "This is " + found.Name + ". Whoever sees it can take the coins, so it was not kept: move them to a new wallet, and give an address here."
	case FoundLightning, FoundLightningAddress, FoundSilentPayment:
		message = "This is " + found.Name + ", which this fund cannot pay. Give a Bitcoin address, for example one that starts with bc1q or bc1p."
	}
	f := payeeError(found.Code, message)
	f.Params = map[string]string{"what": found.Name}
	return f
}

// parseOn reads an address alone.
func (r PayeeRules) parseOn(text string, net *chaincfg.Params) (Payee, *errs.Field) {
	if len(text) > maxAddressLen {
		return Payee{}, notAnAddress()
	}
	var script []byte
	var of []*chaincfg.Params
	var bad *errs.Field
	if hrp, ok := segwitPrefix(text); ok && !looksBase58(text) {
		script, bad = r.segwitScript(text)
		of = networksWhere(func(n *chaincfg.Params) bool { return n.Bech32HRPSegwit == hrp })
	} else {
		script, of, bad = base58Script(text)
	}
	if bad != nil {
		return Payee{}, bad
	}
	if !slices.Contains(of, net) && !sameNetwork(of, net) {
		return Payee{}, wrongNetwork(of[0], net)
	}
	return Payee{Address: AddressOf(script, net), Script: script}, nil
}

// AddressOf returns the canonical address of a standard script on net, or of a
// witness program of version 2 to 16; "" for a script that has none.
func AddressOf(script []byte, net *chaincfg.Params) string {
	if version, program, ok := futureWitness(script); ok {
		return futureAddress(version, program, net)
	}
	class, addrs, _, err := txscript.ExtractPkScriptAddrs(script, net)
	if err != nil || len(addrs) != 1 {
		return ""
	}
	switch class {
	case txscript.PubKeyHashTy, txscript.ScriptHashTy, txscript.WitnessV0PubKeyHashTy,
		txscript.WitnessV0ScriptHashTy, txscript.WitnessV1TaprootTy:
		return addrs[0].EncodeAddress()
	default:
		return ""
	}
}

// futureWitness takes a witness program of version 2 to 16 apart.
func futureWitness(script []byte) (version byte, program []byte, ok bool) {
	v, program, err := txscript.ExtractWitnessProgramInfo(script)
	if err != nil || v < 2 || v > 16 {
		return 0, nil, false
	}
	return byte(v), program, true
}

// futureAddress writes a witness program of a version above 0 (BIP 350).
func futureAddress(version byte, program []byte, net *chaincfg.Params) string {
	data, err := bech32.ConvertBits(program, 8, 5, true)
	if err != nil {
		return ""
	}
	addr, err := bech32.EncodeM(net.Bech32HRPSegwit, append([]byte{version}, data...))
	if err != nil {
		return ""
	}
	return addr
}

func payeeError(code errs.Code, message string) *errs.Field {
	return &errs.Field{Field: PayeeField, Code: code, Message: message}
}

func notAnAddress() *errs.Field {
	return payeeError(
		CodeNotAnAddress,
		"This is not a Bitcoin address. Copy it again from your wallet, and nothing else.",
	)
}

func badChecksum() *errs.Field {
	return payeeError(CodeBadChecksum, "This address has a mistyped character. Copy it again from your wallet.")
}

func wrongNetwork(of, net *chaincfg.Params) *errs.Field {
	f := payeeError(CodeWrongNetwork, "This is a "+of.Name+" address; this fund pays on "+net.Name+".")
	f.Params = map[string]string{"network": of.Name, "expected": net.Name}
	return f
}

func networksWhere(match func(*chaincfg.Params) bool) []*chaincfg.Params {
	return slices.DeleteFunc(networks(), func(n *chaincfg.Params) bool { return !match(n) })
}

func sameNetwork(of []*chaincfg.Params, net *chaincfg.Params) bool {
	return slices.ContainsFunc(of, func(n *chaincfg.Params) bool { return n.Name == net.Name })
}

// segwitPrefix returns the human-readable part of a text that starts like a
// BIP 173 address of a network we know.
func segwitPrefix(text string) (hrp string, ok bool) {
	lower := strings.ToLower(text)
	for _, net := range networks() {
		if strings.HasPrefix(lower, net.Bech32HRPSegwit+"1") {
			return net.Bech32HRPSegwit, true
		}
	}
	return "", false
}

// looksBase58 tells an old address that happens to begin like a segwit one:
// simnet's P2PKH ones begin with S, and some of them with "Sb1". It counts as base58
// if it decodes to the length of such an address, has the version of one, and is
// either undamaged or written as no segwit address may be, in both cases.
func looksBase58(text string) bool {
	const length = 1 + 20 + 4 // version, hash, checksum
	raw := base58.Decode(text)
	if len(raw) != length || len(base58Networks(raw[0])) == 0 {
		return false
	}
	_, _, err := base58.CheckDecode(text)
	return err == nil || (text != strings.ToLower(text) && text != strings.ToUpper(text))
}

// base58Networks returns the networks that use a version byte for addresses.
func base58Networks(version byte) []*chaincfg.Params {
	return networksWhere(
		func(n *chaincfg.Params) bool { return version == n.PubKeyHashAddrID || version == n.ScriptHashAddrID },
	)
}

// segwitScript decodes a BIP 173 or BIP 350 address.
func (r PayeeRules) segwitScript(text string) ([]byte, *errs.Field) {
	if text != strings.ToLower(text) && text != strings.ToUpper(text) {
		return nil, payeeError(
			CodeMixedCase,
			"This address mixes capital and small letters. Copy it again from your wallet.",
		)
	}
	_, data, encoding, err := bech32.DecodeGeneric(text)
	switch tooShort := bech32.ErrInvalidLength(0); {
	case errors.As(err, &tooShort):
		return nil, notAnAddress()
	case err != nil:
		return nil, badChecksum()
	case len(data) == 0:
		return nil, notAnAddress()
	}
	version := data[0]
	if version > 16 {
		return nil, payeeError(CodeUnknownWitnessVersion, "This address is of a kind that Bitcoin does not have.")
	}
	if (version == 0) != (encoding == bech32.Version0) {
		return nil, badChecksum()
	}
	program, err := bech32.ConvertBits(data[1:], 5, 8, false)
	if err != nil || len(program) < 2 || len(program) > 40 {
		return nil, notAnAddress()
	}
	switch {
	case version == 0 && (len(program) == 20 || len(program) == 32):
	case version == 0:
		return nil, notAnAddress()
	case version == 1 && len(program) == 32:
		if _, err := schnorr.ParsePubKey(program); err != nil {
			return nil, payeeError(
				CodeUnspendable,
				"No key can exist for this address: coins sent to it would be lost.",
			)
		}
	case version == 1 && program[0] == 0x4e && program[1] == 0x73 && len(program) == 2:
		return nil, payeeError(CodeUnspendable, "Anyone could take coins sent to this address. Give one of your own.")
	case version > 1 && r.AllowFutureWitness:
	default:
		return nil, payeeError(
			CodeUnknownWitnessVersion,
			"This address is of a newer kind that is not in use yet. Give an address that starts with bc1q or bc1p, or an older one.",
		)
	}
	op := byte(txscript.OP_0)
	if version > 0 {
		op = txscript.OP_1 + version - 1
	}
	script, err := txscript.NewScriptBuilder().AddOp(op).AddData(program).Script()
	if err != nil {
		return nil, notAnAddress()
	}
	return script, nil
}

// base58Script decodes a P2PKH or P2SH address and names the networks that use
// its version byte.
func base58Script(text string) (script []byte, of []*chaincfg.Params, bad *errs.Field) {
	hash, version, err := base58.CheckDecode(text)
	switch {
	case errors.Is(err, base58.ErrChecksum):
		return nil, nil, badChecksum()
	case err != nil || len(hash) != 20:
		return nil, nil, notAnAddress()
	}
	builder := txscript.NewScriptBuilder()
	if of = networksWhere(func(n *chaincfg.Params) bool { return n.PubKeyHashAddrID == version }); len(of) > 0 {
		builder.AddOp(txscript.OP_DUP).AddOp(txscript.OP_HASH160).AddData(hash).
			AddOp(txscript.OP_EQUALVERIFY).AddOp(txscript.OP_CHECKSIG)
	} else if of = networksWhere(func(n *chaincfg.Params) bool { return n.ScriptHashAddrID == version }); len(of) > 0 {
		builder.AddOp(txscript.OP_HASH160).AddData(hash).AddOp(txscript.OP_EQUAL)
	} else {
		return nil, nil, notAnAddress()
	}
	script, err = builder.Script()
	if err != nil {
		return nil, nil, notAnAddress()
	}
	return script, of, nil
}

// DustLimit returns the least amount that an output with this script may hold
// to be relayed: what it costs to make and spend it at 3 sat/vB, the rule of
// Bitcoin Core. P2WPKH 294, P2TR and P2WSH 330, P2SH 540, P2PKH 546 sat, and 240 to
// 354 sat for a witness program of a later version, by its length.
func DustLimit(script []byte) btcutil.Amount {
	const dustSatKVB, spendVB, witnessSpendVB = 3_000, 148, 67
	if txscript.IsUnspendable(script) {
		return 0
	}
	size := wire.NewTxOut(0, script).SerializeSize()
	if txscript.IsWitnessProgram(script) {
		return money.FeeAt(int64(size+witnessSpendVB), dustSatKVB)
	}
	return money.FeeAt(int64(size+spendVB), dustSatKVB)
}
