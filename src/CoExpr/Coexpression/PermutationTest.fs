namespace CoExpr

open System
open CoExpr.Kernels

/// How permutations are drawn.
type PermutationOptions = {
    /// Number of permutations, 1 or more.
    Permutations: int
    Seed: uint64
    Threads: int
}

/// Could two genes that know nothing of each other share as much information?
///
/// The cells of one gene are exchanged at random, which leaves each gene as it is and takes all that they share. The p-value
/// is (1 + number of permutations that share at least as much) / (1 + number of permutations) (Davison and Hinkley 1997,
/// 4.2), and so never below 1/(1 + number of permutations). It holds for both conventions: with CellsIn.EitherGene the cells
/// that count are chosen anew in every permutation, as they were in the data, which no formula for the G-test takes into
/// account. It tests the magnitude, whatever the sign.
[<RequireQualifiedAccess>]
module PermutationTest =

    /// 999 permutations: p-values from 0.001 on.
    let defaults = {
        Permutations = 999
        Seed = 0UL
        Threads = Schedule.defaultThreads
    }

    /// The first option outside its range, named as on the command line, as an error.
    let validate (options: PermutationOptions) : Result<unit, CoExprError> =
        if options.Permutations < 1 || options.Permutations > 10000000 then
            Error(CoExprError.BadOption("--permutations", string options.Permutations, "1 to 10000000 are allowed"))
        else
            Ok()

    /// Orders that are scored at once, the unpermuted one among them: a worker holds one gene's levels in each.
    let private atOnce = 256

    /// Whether n/m ≥ n0/m0, without rounding.
    let private reaches (n: int64) (m: int) (n0: int64) (m0: int) =
        Math.BigMul(n, int64 m0) >= Math.BigMul(n0, int64 m)

    /// The place of each pair in order of the gene that is permuted, and the pairs in that order, the permuted gene first.
    /// That is the gene whose name comes first in ordinal order, wherever the two stand.
    let private oriented (names: string[]) (pairs: struct (int * int)[]) =
        let ranks = GeneNames.ranks names

        let pairs =
            pairs
            |> Array.map (fun (struct (a, b)) -> if ranks[a] < ranks[b] then struct (a, b) else struct (b, a))

        let places = Array.init pairs.Length id
        Array.Sort(Array.map (fun (struct (a, _)) -> a) pairs, places)
        places, places |> Array.map (fun place -> pairs[place])

    /// The unpermuted order, then permutations `first` to `first + count − 1`.
    let private orders options cells first count =
        let orders = Array.zeroCreate<int[]>(count + 1)
        orders[0] <- Array.init cells id

        Schedule.ranges options.Threads 1 count (fun i _ ->
            orders[i + 1] <- Resamples.permutation options.Seed cells (first + i))

        orders

    let private addReached count (numerators: int64[]) (cells: int[]) =
        let mutable reached = 0

        for i in 1..count do
            if reaches numerators[i] cells[i] numerators[0] cells[0] then
                reached <- reached + 1

        reached

    /// The p-value of each pair of genes, given by their numbers. Permutation i is the same for all pairs; a p-value does
    /// not depend on the threads, on the other pairs, or on the order of the genes.
    let pairs
        (progress: Progress)
        options
        (genes: BinnedGenes)
        convention
        (names: string[])
        (pairs: struct (int * int)[])
        =
        let places, pairs = oriented names pairs
        let reached = Array.zeroCreate<int> pairs.Length

        let advance =
            Progress.counter progress "permuting" "scores" (int64 pairs.Length * int64 options.Permutations)

        for first in 0 .. atOnce - 1 .. options.Permutations - 1 do
            let count = min (atOnce - 1) (options.Permutations - first)

            use kernel =
                new PermutationKernel(genes, orders options genes.Cells first count, convention)

            let take pair numerators cells =
                reached[pair] <- reached[pair] + addReached count numerators cells

            PairWorkers.run options.Threads kernel.NewWorker pairs take (fun done' ->
                advance (int64 done' * int64 count))

        let pValues = Array.zeroCreate<float> pairs.Length

        places
        |> Array.iteri (fun i place -> pValues[place] <- float (1 + reached[i]) / float (1 + options.Permutations))

        pValues
