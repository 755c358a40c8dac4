namespace CoExpr.IO

open System
open System.IO
open System.Security.Cryptography
open CoExpr

/// Scores that were worked out before, with the genes that they are of.
type CachedScores = {
    /// Numbers of the scored genes in the input.
    Genes: int[]
    /// Cells that express each.
    Expressed: int[]
    /// Bins of each.
    Levels: byte[]
    Store: PairStore
}

/// Finished scores in a folder, by all that they depend on. Several processes may use one folder at once: an entry
/// appears whole or not at all, and the same key always means the same bytes.
[<RequireQualifiedAccess>]
module ScoreCache =

    /// Names in their order, each with its length before it, so that no two lists look alike.
    let internal hashOfNames (names: string[]) =
        use hash = IncrementalHash.CreateHash HashAlgorithmName.SHA256

        for name in names do
            let bytes = Text.Encoding.UTF8.GetBytes name
            hash.AppendData(BitConverter.GetBytes bytes.Length)
            hash.AppendData bytes

        Convert.ToHexString(hash.GetHashAndReset()).ToLowerInvariant()

    /// The key of scores: the version of the kernels, the hash of the matrix (see CoexpressionRun.matrixHash), the names
    /// of all genes and cells in their order, every option that changes the result, and what computed them.
    let key
        (matrix: string)
        (geneNames: string[])
        (cellNames: string[])
        (options: (string * Json) list)
        (backend: string)
        =
        let facts =
            RunIdentity.facts {
                InputHash = matrix
                Options = options
            }

        let described =
            facts
            @ [
                "genes", hashOfNames geneNames
                "cells", hashOfNames cellNames
                "backend", backend
            ]

        described
        |> List.map (fun (name, value) -> name, Json.Text value)
        |> Json.Object
        |> Json.write
        |> HashedFile.keyOf
        |> Convert.ToHexString
        |> fun hex -> hex.ToLowerInvariant()

    let private pathOf folder key = Path.Combine(folder, key + ".scores")

    let private keptKind, private squareKind = 0, 1

    let private writeSquare (writer: HashingWriter) (scores: PairScores) =
        let genes = scores.Genes.Length

        let rows (value: Partner -> 'a) =
            for gene in 0 .. genes - 1 do
                let row = Array.zeroCreate<'a> genes

                for partner in scores.Partners gene do
                    row[partner.Gene] <- value partner

                writer.Values(row.AsSpan())

        rows (fun partner -> float partner.Score)
        rows (fun partner -> partner.Cells)

    let private writeStore (writer: HashingWriter) (scores: PairScores) =
        match scores.Store with
        | PairStore.Kept kept ->
            writer.Integer keptKind
            writer.Array kept.Starts
            writer.Array kept.Partners
            writer.Array kept.Scores
            writer.Array kept.Cells
        | _ ->
            writer.Integer squareKind
            writeSquare writer scores

    /// Puts scores under a key. Errors: the folder cannot be made or written to.
    let write folder (key: string) (genes: CachedScores) (names: string[]) : Result<unit, CoExprError> =
        try
            Directory.CreateDirectory folder |> ignore

            HashedFile.write (pathOf folder key) (Convert.FromHexString key) (fun writer ->
                writer.Array genes.Genes
                writer.Array genes.Expressed
                writer.Array genes.Levels
                writeStore writer (PairScores(names, genes.Store)))
        with
        | :? IOException
        | :? UnauthorizedAccessException as error -> Error(CoExprError.CannotWrite(folder, error.Message))

    let private readStore path genes (reader: ValueReader) headBytes =
        if reader.Integer() = keptKind then
            PairStore.Kept {
                Starts = reader.Array<int64>()
                Partners = reader.Array<int>()
                Scores = reader.Array<float>()
                Cells = reader.Array<int>()
                Information = [||]
            }
        else
            PairStore.Rows(SquareFile.Open(path, headBytes, genes))

    /// What an entry has before its store: three arrays with their lengths, and the kind of the store.
    let private headBytes genes =
        int64 HashedFile.headerBytes + 4L * 4L + 9L * int64 genes

    let private readEntry path =
        HashedFile.read path (fun reader ->
            let genes = reader.Array<int>()

            {
                Genes = genes
                Expressed = reader.Array<int>()
                Levels = reader.Array<byte>()
                Store = readStore path genes.Length reader (headBytes genes.Length)
            })

    /// The scores of a key, if they are there and whole. `tell` is told of an entry that is not.
    let tryRead folder (key: string) (tell: string -> unit) : CachedScores option =
        let path = pathOf folder key

        if not (File.Exists path) then
            None
        else
            match HashedFile.fault path (Convert.FromHexString key) with
            | None -> Some(readEntry path)
            | Some fault ->
                tell $"{path} is made again: {fault}."
                None
