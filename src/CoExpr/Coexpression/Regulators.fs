namespace CoExpr

open System
open CoExpr.Kernels

/// Scoring only the pairs of some genes with all others: a rectangle of all pairs, regulators x genes.
[<RequireQualifiedAccess>]
module Regulators =

    /// The numbers of the genes so named among those of `kept` (which are numbers of `genes`), in increasing order. Errors:
    /// a name that no gene has, or none of them left.
    let among source (genes: string[]) (kept: int[]) (names: string[]) : Result<int[], CoExprError> =
        let wanted = Collections.Generic.HashSet<string>(names, StringComparer.Ordinal)
        let known = Collections.Generic.HashSet<string>(genes, StringComparer.Ordinal)

        match names |> Array.tryFind (known.Contains >> not) with
        | Some unknown ->
            Error(CoExprError.UnknownLabel($"--regulators, a gene of {source}", unknown, List.ofArray genes))
        | None ->
            let found =
                [| 0 .. kept.Length - 1 |]
                |> Array.filter (fun gene -> wanted.Contains genes[kept[gene]])

            if found.Length > 0 then
                Ok found
            else
                Error(
                    CoExprError.TooFew(
                        "regulators",
                        0L,
                        1L,
                        $"Of {wanted.Count} regulators none is expressed in enough cells; see --min-cells."
                    )
                )

    /// The pairs to score of so many genes, of which the first are the regulators; all pairs where there are none.
    let pairs (regulators: int[] option) genes =
        match regulators with
        | Some regulators -> PairRange(0, regulators.Length, 0, genes)
        | None -> PairRange(0, genes, 0, genes)

    /// The number of pairs in a rectangle, a pair and its mirror image counted once.
    let count (range: PairRange) =
        seq { range.FirstRow .. range.EndRow - 1 }
        |> Seq.sumBy (fun row -> int64 (max 0 (range.EndColumn - max (row + 1) range.FirstColumn)))
