package wallet

import (
	"bytes"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/cores"
	"github.com/causeway-fund/causeway/internal/errs"
)

// TakePrevTxs returns a copy of packet without previous transactions, and those
// transactions, each once, in the order in which the inputs first spend them.
// BIP 174 repeats a previous transaction in every input that spends it, which lets a
// stranger who pays us a hundred times in one transaction make a PSBT a hundred
// times as large; what we store and send has it once. packet is not changed.
//
// They are written without witnesses, as Bitcoin Core writes them into a PSBT: the
// txid and the outputs do not depend on them.
func TakePrevTxs(packet *psbt.Packet) (bare *psbt.Packet, prevTxs [][]byte, err error) {
	copied := *packet
	copied.Inputs = append([]psbt.PInput(nil), packet.Inputs...)
	taken, seen := map[*wire.MsgTx]bool{}, map[chainhash.Hash]bool{}
	for i := range copied.Inputs {
		prev := copied.Inputs[i].NonWitnessUtxo
		copied.Inputs[i].NonWitnessUtxo = nil
		if prev == nil || taken[prev] {
			continue
		}
		taken[prev] = true
		if txid := prev.TxHash(); !seen[txid] {
			seen[txid] = true
			var b bytes.Buffer
			if err := prev.SerializeNoWitness(&b); err != nil {
				return nil, nil, errs.Wrap(
					err,
					errs.Internal,
					CodeBadPrevTx,
					"A previous transaction could not be written.",
				)
			}
			prevTxs = append(prevTxs, b.Bytes())
		}
	}
	return &copied, prevTxs, nil
}

// GivePrevTxs gives each input of packet the one of prevTxs that it spends, and is
// strict: each has to be there once, to be spent, and to be written without
// witnesses and without a byte left over; packet must not hold any itself. An input
// whose previous transaction is not among them has none afterwards, which OwnInput
// refuses. Errors are Invalid with code bad_prev_tx, prev_tx_twice,
// unexpected_prev_tx or prev_tx_inside.
func GivePrevTxs(packet *psbt.Packet, prevTxs [][]byte) error {
	if len(packet.Inputs) != len(packet.UnsignedTx.TxIn) {
		return badPSBT()
	}
	known := make(map[chainhash.Hash]*wire.MsgTx, len(prevTxs))
	for n, raw := range prevTxs {
		tx, err := ReadPrevTx(raw)
		if err != nil {
			return errs.Wrap(err, errs.Invalid, CodeBadPrevTx, "A previous transaction cannot be read.")
		}
		txid := chainhash.DoubleHashH(raw)
		if known[txid] != nil {
			return errs.Newf(errs.Invalid, CodePrevTxTwice, "Previous transaction %d appears twice.", n)
		}
		known[txid] = tx
	}
	spent := make(map[chainhash.Hash]bool, len(known))
	for i, in := range packet.UnsignedTx.TxIn {
		if packet.Inputs[i].NonWitnessUtxo != nil {
			return errs.Newf(
				errs.Invalid,
				CodePrevTxInside,
				"Input %d has its previous transaction inside the PSBT; it belongs beside it.",
				i,
			)
		}
		if prev := known[in.PreviousOutPoint.Hash]; prev != nil {
			packet.Inputs[i].NonWitnessUtxo = prev
			spent[in.PreviousOutPoint.Hash] = true
		}
	}
	for txid := range known {
		if !spent[txid] {
			return errs.Newf(errs.Invalid, CodeUnexpectedPrevTx, "Previous transaction %s is spent by no input.", txid)
		}
	}
	return nil
}

// ReadPrevTx reads a transaction as TakePrevTxs writes it.
func ReadPrevTx(raw []byte) (*wire.MsgTx, error) {
	tx, r := wire.NewMsgTx(0), bytes.NewReader(raw)
	if err := tx.DeserializeNoWitness(r); err != nil {
		return nil, err
	}
	var again bytes.Buffer
	if err := tx.SerializeNoWitness(&again); err != nil {
		return nil, err
	}
	if len(tx.TxIn) == 0 || !bytes.Equal(again.Bytes(), raw) {
		return nil, errs.New(errs.Invalid, CodeBadPrevTx, "A previous transaction is malformed.")
	}
	return tx, nil
}

// DropWitnesses returns tx, or a copy of it without witnesses when it has any.
func DropWitnesses(tx *wire.MsgTx) *wire.MsgTx {
	if !tx.HasWitness() {
		return tx
	}
	bare := *tx
	bare.TxIn = make([]*wire.TxIn, len(tx.TxIn))
	for i, in := range tx.TxIn {
		bare.TxIn[i] = &wire.TxIn{
			PreviousOutPoint: in.PreviousOutPoint,
			SignatureScript:  in.SignatureScript,
			Sequence:         in.Sequence,
		}
	}
	return &bare
}

// txids remembers the ids of transactions while one packet is read: hashing the
// same previous transaction for each of a thousand inputs would cost seconds.
type txids map[*wire.MsgTx]chainhash.Hash

func (known txids) of(tx *wire.MsgTx) chainhash.Hash {
	txid, ok := known[tx]
	if !ok {
		txid = tx.TxHash()
		known[tx] = txid
	}
	return txid
}

// Own is what an input spends, proven to be the treasury's, and where the
// descriptor derives its script.
type Own struct {
	Prev         *wire.TxOut
	Chain, Index uint32
}

// OwnInputs is OwnInput for every input of packet.
func (d *Descriptor) OwnInputs(packet *psbt.Packet) ([]Own, error) {
	if len(packet.Inputs) != len(packet.UnsignedTx.TxIn) {
		return nil, badPSBT()
	}
	known := txids{}
	for i := range packet.Inputs {
		if prev := packet.Inputs[i].NonWitnessUtxo; prev != nil {
			known.of(prev) // from here on the map is only read
		}
	}
	own := make([]Own, len(packet.Inputs))
	err := cores.Each(len(own), func(i int) error {
		prev, chain, index, err := d.ownInput(&packet.Inputs[i], packet.UnsignedTx.TxIn[i].PreviousOutPoint, known)
		own[i] = Own{Prev: prev, Chain: chain, Index: index}
		return err
	})
	if err != nil {
		return nil, err
	}
	return own, nil
}
