// Reads jobs from standard input as JSON, [{psbt, seeds, finish}], signs each PSBT
// (base64) with the keys that its own derivation fields name, by two libraries
// that share no code with ours, and writes what each made:
// [{scure: {psbt, finished, tx, txid, vsize}, bitcoinjs: {…}}]. The last four are
// there when finish is true. seeds are BIP 32 seeds in hex.
import { readFileSync } from 'node:fs'
import { HDKey } from '@scure/bip32'
import { Transaction } from '@scure/btc-signer'
import * as bitcoin from 'bitcoinjs-lib'
import * as ecc from 'tiny-secp256k1'

bitcoin.initEccLib(ecc)

const HARDENED = 0x80000000
const noAux = new Uint8Array(32)
const base64 = (bytes) => Buffer.from(bytes).toString('base64')

const derive = (master, steps) => steps.reduce((key, step) => key.deriveChild(step), master)

function scure({ psbt, seeds, finish }) {
  const tx = Transaction.fromPSBT(Buffer.from(psbt, 'base64'))
  for (const seed of seeds) {
    const master = HDKey.fromMasterSeed(Buffer.from(seed, 'hex'))
    for (let i = 0; i < tx.inputsLength; i++) {
      const input = tx.getInput(i)
      const named = [
        ...(input.bip32Derivation ?? []).map(([, origin]) => origin),
        ...(input.tapBip32Derivation ?? []).map(([, { der }]) => der),
      ]
      for (const { path } of named.filter(({ fingerprint }) => fingerprint === master.fingerprint)) {
        tx.signIdx(derive(master, path).privateKey, i, undefined, noAux)
      }
    }
  }
  const out = { psbt: base64(tx.toPSBT(0)) }
  if (finish) {
    tx.finalize()
    Object.assign(out, { finished: base64(tx.toPSBT(0)), tx: tx.hex, txid: tx.id, vsize: tx.vsize })
  }
  return out
}

// pathOf reads m/84'/1'/0'/0/5.
const pathOf = (text) => text.split('/').slice(1).map((step) => parseInt(step, 10) + (/['h]$/.test(step) ? HARDENED : 0))

function keyPathSigner(key) {
  const internal = key.publicKey.slice(1)
  const even = key.publicKey[0] === 2 ? key.privateKey : ecc.privateNegate(key.privateKey)
  const tweaked = ecc.privateAdd(even, bitcoin.crypto.taggedHash('TapTweak', internal))
  return {
    publicKey: ecc.pointFromScalar(tweaked, true),
    signSchnorr: (hash) => ecc.signSchnorr(hash, tweaked, noAux),
  }
}

function bitcoinjs({ psbt, seeds, finish }) {
  const packet = bitcoin.Psbt.fromBase64(psbt)
  for (const seed of seeds) {
    const master = HDKey.fromMasterSeed(Buffer.from(seed, 'hex'))
    packet.data.inputs.forEach((input, i) => {
      const named = [...(input.bip32Derivation ?? []), ...(input.tapBip32Derivation ?? [])]
      for (const { path } of named.filter(({ masterFingerprint }) => Buffer.from(masterFingerprint).readUInt32BE() === master.fingerprint)) {
        const key = derive(master, pathOf(path))
        packet.signInput(i, input.tapInternalKey
          ? keyPathSigner(key)
          : { publicKey: key.publicKey, sign: (hash) => ecc.sign(hash, key.privateKey) })
      }
    })
  }
  const out = { psbt: packet.toBase64() }
  if (finish) {
    const holds = packet.validateSignaturesOfAllInputs((pub, hash, sig) =>
      pub.length === 32 ? ecc.verifySchnorr(hash, pub, sig) : ecc.verify(hash, pub, sig))
    if (!holds) throw new Error('a signature does not hold')
    packet.finalizeAllInputs()
    const tx = packet.extractTransaction(true)
    Object.assign(out, { finished: packet.toBase64(), tx: tx.toHex(), txid: tx.getId(), vsize: tx.virtualSize() })
  }
  return out
}

const jobs = JSON.parse(readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(jobs.map((job) => ({ scure: scure(job), bitcoinjs: bitcoinjs(job) }))))
