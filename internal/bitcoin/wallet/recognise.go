package wallet

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/btcsuite/btcd/address/v2/base58"
	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// Found is what a pasted text turned out to be. Neither part holds any of the text.
type Found struct {
	Code errs.Code // one of the constants below
	Name string    // as in "This is …", for people
}

// What people paste by mistake where something else is asked for.
const (
	// FoundPrivateKey: The text is a private key, the words of one, or ecash: whoever has it has the money.
	FoundPrivateKey errs.Code = "private_key"
	// FoundAddress: The text is a Bitcoin address.
	FoundAddress errs.Code = "bitcoin_address"
	// FoundSilentPayment: The text is a silent payment address.
	FoundSilentPayment errs.Code = "silent_payment"
	// FoundLightning: The text is a Lightning invoice, offer or link.
	FoundLightning errs.Code = "lightning"
	// FoundLightningAddress: The text is a Lightning address.
	FoundLightningAddress errs.Code = "lightning_address"
	// FoundExtendedKey: The text is an extended public key.
	FoundExtendedKey errs.Code = "extended_key"
	// FoundPublicKey: The text is a public key.
	FoundPublicKey errs.Code = "public_key"
	// FoundTxID: The text is the id of a transaction.
	FoundTxID errs.Code = "txid"
	// FoundTransaction: The text is a transaction.
	FoundTransaction errs.Code = "transaction"
	// FoundPSBT: The text is a PSBT.
	FoundPSBT errs.Code = "psbt_data"
	// FoundDescriptor: The text is an output descriptor.
	FoundDescriptor errs.Code = "descriptor"
	// FoundOtherChain: The text belongs to another chain than Bitcoin.
	FoundOtherChain errs.Code = "other_chain"
	// FoundNostr: The text is a key of Nostr.
	FoundNostr errs.Code = "nostr_key"
	// FoundQRPart: The text is one part of a QR code in several parts.
	FoundQRPart errs.Code = "qr_part"
	// FoundJSON: The text is JSON.
	FoundJSON errs.Code = "json"
	// FoundWebAddress: The text is the address of a web page.
	FoundWebAddress errs.Code = "web_address"
)

// Secret reports whether the text must not be kept, shown or logged.
func (f Found) Secret() bool { return f.Code == FoundPrivateKey }

const secretKey = "a private key"

// The human-readable parts of bech32 texts that are no address of ours, in small
// letters. The longer ones of a family come first.
var bech32Kinds = []struct {
	hrp  string
	code errs.Code
	name string
}{
	{"sprt", FoundSilentPayment, "a silent payment address (BIP 352)"},
	{"tsp", FoundSilentPayment, "a silent payment address (BIP 352)"},
	{"sp", FoundSilentPayment, "a silent payment address (BIP 352)"},
	{"lnurl", FoundLightning, "a Lightning link (LNURL)"},
	{"lno", FoundLightning, "a Lightning offer (BOLT 12)"},
	{"lni", FoundLightning, "a Lightning invoice (BOLT 12)"},
	{"lnr", FoundLightning, "a Lightning invoice request (BOLT 12)"},
	{"nsec", FoundPrivateKey, "a private Nostr key"},
	{"ncryptsec", FoundPrivateKey, "a private Nostr key"},
	{"npub", FoundNostr, "a Nostr key"},
	{"nprofile", FoundNostr, "a Nostr profile"},
	{"ltc", FoundOtherChain, "a Litecoin address"},
	{"ltcmweb", FoundOtherChain, "a Litecoin address"},
	{"lq", FoundOtherChain, "a Liquid address"},
	{"ex", FoundOtherChain, "a Liquid address"},
	{"el", FoundOtherChain, "a Liquid address"},
	{"addr", FoundOtherChain, "a Cardano address"},
	{"cosmos", FoundOtherChain, "a Cosmos address"},
	{"dgb", FoundOtherChain, "a DigiByte address"},
	{"zs", FoundOtherChain, "a Zcash address"},
	{"u", FoundOtherChain, "a Zcash address"},
}

// lightningPrefix is how a BOLT 11 invoice begins, on any network: the currency, and
// an amount.
var (
	lightningInvoice = regexp.MustCompile(`^ln(bcrt|bc|tbs|tb|sb)([0-9]+[munp]?)?1[02-9ac-hj-np-z]+$`)
	bolt12           = regexp.MustCompile(`^ln[oir]1[02-9ac-hj-np-z+]+$`)
	mailName         = regexp.MustCompile(`^₿?[^\s@/:]+@[^\s@/:]+\.[^\s@/:]+$`)
	ethereum         = regexp.MustCompile(`^0[xX][0-9a-fA-F]{40}$`)
	monero           = regexp.MustCompile(`^[48][1-9A-HJ-NP-Za-km-z]{94}([1-9A-HJ-NP-Za-km-z]{11})?$`)
	descriptorForm   = regexp.MustCompile(`^(pkh|wpkh|sh|wsh|tr|combo|multi|sortedmulti|rawtr|raw|addr)\(`)
	extendedForm     = regexp.MustCompile(`^[a-zA-Z](pub|prv)[1-9A-HJ-NP-Za-km-z]{100,110}$`)
	privateInside    = regexp.MustCompile(`[a-zA-Z]prv[1-9A-HJ-NP-Za-km-z]{50}`)
	words            = regexp.MustCompile(`^[\p{L}\p{M}]+$`)
)

// Squeeze takes out what people do not see or do not mean: spaces, line breaks and
// groups of four as devices show them, and the marks of direction and byte order
// that programs add.
func Squeeze(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// Recognise says what a text is that was pasted where something else is asked for;
// ok is false where it is nothing that people are known to paste. It never returns
// any part of the text.
func Recognise(text string) (found Found, ok bool) {
	if f, ok := recogniseSecret(text); ok {
		return f, true
	}
	s := Squeeze(text)
	lower := strings.ToLower(s)
	if f, ok := recogniseScheme(lower); ok {
		return f, true
	}
	if f, ok := recogniseHex(s); ok {
		return f, true
	}
	if lightningInvoice.MatchString(lower) {
		return Found{FoundLightning, "a Lightning invoice"}, true
	}
	if bolt12.MatchString(lower) {
		return Found{FoundLightning, "a Lightning offer (BOLT 12)"}, true
	}
	if f, ok := recogniseBech32(lower); ok {
		return f, true
	}
	switch {
	case mailName.MatchString(lower):
		return Found{FoundLightningAddress, "an e-mail or Lightning address, or a name of BIP 353"}, true
	case ethereum.MatchString(s):
		return Found{FoundOtherChain, "an Ethereum address"}, true
	case monero.MatchString(s):
		return Found{FoundOtherChain, "a Monero address"}, true
	case extendedForm.MatchString(s):
		return Found{FoundExtendedKey, "an extended public key, from which every address of a wallet follows"}, true
	case descriptorForm.MatchString(s):
		return Found{FoundDescriptor, "an output descriptor"}, true
	case strings.HasPrefix(s, "cHNidP"):
		return Found{FoundPSBT, "a PSBT"}, true
	case strings.HasPrefix(lower, "ur:"), strings.HasPrefix(s, "B$"):
		return Found{FoundQRPart, "one part of an animated QR code"}, true
	case strings.HasPrefix(s, "{"), strings.HasPrefix(s, "["):
		return Found{FoundJSON, "JSON"}, true
	}
	return recogniseBase58(s)
}

// recogniseScheme reads what stands before a colon.
func recogniseScheme(lower string) (Found, bool) {
	for _, scheme := range []struct {
		prefix string
		code   errs.Code
		name   string
	}{
		{"lightning:", FoundLightning, "a Lightning link"},
		{"lnurlp:", FoundLightning, "a Lightning link (LNURL)"},
		{"lnurlw:", FoundLightning, "a Lightning link (LNURL)"},
		{"keyauth:", FoundLightning, "a Lightning link (LNURL)"},
		{"bitcoincash:", FoundOtherChain, "a Bitcoin Cash address"},
		{"ethereum:", FoundOtherChain, "an Ethereum address"},
		{"litecoin:", FoundOtherChain, "a Litecoin address"},
		{"monero:", FoundOtherChain, "a Monero address"},
		{"dogecoin:", FoundOtherChain, "a Dogecoin address"},
		{"tron:", FoundOtherChain, "a Tron address"},
		{"liquidnetwork:", FoundOtherChain, "a Liquid address"},
		{"nostr:", FoundNostr, "a Nostr key"},
		{"https://", FoundWebAddress, "a web address"},
		{"http://", FoundWebAddress, "a web address"},
	} {
		if strings.HasPrefix(lower, scheme.prefix) {
			return Found{scheme.code, scheme.name}, true
		}
	}
	return Found{}, false
}

// recogniseSecret looks for what must never be shown again: whoever reads it can
// take the coins.
func recogniseSecret(text string) (Found, bool) {
	s := Squeeze(text)
	lower := strings.ToLower(s)
	var list []string // without the numbers and commas of a list that was copied
	for _, word := range strings.Fields(strings.ToLower(text)) {
		if word = strings.Trim(word, "0123456789.,;:)(\"'"); word != "" {
			list = append(list, word)
		}
	}
	switch {
	case privateInside.MatchString(s):
		return Found{FoundPrivateKey, secretKey}, true
	case len(list) >= 11 && len(list) <= 33 && !slices.ContainsFunc(list, func(w string) bool { return len(w) > 24 || !words.MatchString(w) }):
		return Found{FoundPrivateKey, "the words of a wallet"}, true
	case strings.HasPrefix(lower, "cashua") || strings.HasPrefix(lower, "cashub"):
		return Found{FoundPrivateKey, "an ecash token"}, true
	case strings.HasPrefix(lower, "codex32") || strings.HasPrefix(lower, "ms1") && len(lower) >= 48:
		return Found{FoundPrivateKey, "the seed of a wallet"}, true
	case strings.HasPrefix(lower, "nostr:nsec1") || strings.HasPrefix(lower, "ur:crypto-seed") || strings.HasPrefix(lower, "ur:crypto-hdkey/") && strings.Contains(lower, "prv"):
		return Found{FoundPrivateKey, secretKey}, true
	}
	raw := base58.Decode(s)
	wif := func(raw []byte) bool {
		if len(raw) != 1+32+4 && len(raw) != 1+33+4 {
			return false
		}
		return slices.ContainsFunc(networks(), func(n *chaincfg.Params) bool { return raw[0] == n.PrivateKeyID })
	}
	encrypted := len(raw) == 2+37+4 && raw[0] == 1 && (raw[1] == 0x42 || raw[1] == 0x43)
	if wif(raw) || encrypted { // a mistyped one is as secret as a good one
		return Found{FoundPrivateKey, secretKey}, true
	}
	return Found{}, false
}

func recogniseHex(s string) (Found, bool) {
	raw, err := hex.DecodeString(s)
	switch {
	case err != nil || len(raw) == 0:
		return Found{}, false
	case len(raw) == 32:
		return Found{FoundTxID, "64 hexadecimal digits, as the id of a transaction or a block has"}, true
	case len(raw) == 33 && (raw[0] == 2 || raw[0] == 3), len(raw) == 65 && raw[0] == 4:
		return Found{FoundPublicKey, "a public key"}, true
	case bytes.HasPrefix(raw, []byte("psbt\xff")):
		return Found{FoundPSBT, "a PSBT"}, true
	case len(raw) > 60 && (raw[0] == 1 || raw[0] == 2) && raw[1]|raw[2]|raw[3] == 0:
		return Found{FoundTransaction, "a transaction"}, true
	}
	return Found{}, false
}

func recogniseBech32(lower string) (Found, bool) {
	at := strings.LastIndexByte(lower, '1')
	if at < 1 || len(lower)-at < 7 || strings.Trim(lower[at+1:], "023456789acdefghjklmnpqrstuvwxyz") != "" {
		return Found{}, false
	}
	for _, kind := range bech32Kinds {
		if lower[:at] != kind.hrp {
			continue
		}
		if kind.code == FoundOtherChain && len(kind.hrp) < 3 {
			if _, _, err := bech32.DecodeNoLimit(lower); err != nil {
				continue // too short a prefix to go by alone
			}
		}
		return Found{kind.code, kind.name}, true
	}
	return Found{}, false
}

// recogniseBase58 knows the version bytes of other chains, and addresses of every
// Bitcoin network.
func recogniseBase58(s string) (Found, bool) {
	for _, net := range networks() {
		if _, bad := (PayeeRules{AllowFutureWitness: true}).parseOn(s, net); bad == nil {
			return Found{FoundAddress, "a Bitcoin address"}, true
		}
	}
	hash, version, err := base58.CheckDecode(s)
	if err != nil || len(hash) != 20 {
		return Found{}, false
	}
	for _, other := range []struct {
		version byte
		name    string
	}{{0x41, "a Tron address"}, {0x1e, "a Dogecoin address"}, {0x16, "a Dogecoin address"}, {0x30, "a Litecoin address"}, {0x32, "a Litecoin address"}, {0x4c, "a Dash address"}} {
		if version == other.version {
			return Found{FoundOtherChain, other.name}, true
		}
	}
	return Found{}, false
}
