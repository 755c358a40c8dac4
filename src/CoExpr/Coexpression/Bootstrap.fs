namespace CoExpr

open System
open CoExpr.Kernels

/// Which resamples are drawn, and what is said of a score in them.
type BootstrapOptions = {
    Draw: Draw
    /// Number of resamples, 2 or more.
    Resamples: int
    Seed: uint64
    /// Share of the resamples between the two ends of the interval, between 0 and 1: 0.95.
    Confidence: float
    Threads: int
}

/// What resamples say of a pair's mutual information, without its sign.
[<Struct>]
type Spread = {
    Mean: float<bit>
    /// Standard deviation over the resamples, with a divisor of one less than their number.
    Deviation: float<bit>
    Low: float<bit>
    High: float<bit>
}

/// How sure is a mutual information? The cells are drawn again and again, and it is computed anew each time (Efron 1979).
///
/// The interval is Efron's percentile interval: of the scores in the resamples the quantiles (1 − c)/2 and (1 + c)/2,
/// interpolated linearly (type 7 of Hyndman and Fan 1996). The plug-in estimate is biased upwards by having few cells, and
/// a bootstrap sample has even fewer different ones, so its scores lie higher than the score itself, for weak pairs often
/// all of them: the interval tells how much scores move, not where the truth lies.
[<RequireQualifiedAccess>]
module Bootstrap =

    /// 100 bootstraps, 95 %.
    let defaults = {
        Draw = Draw.Bootstrap
        Resamples = 100
        Seed = 0UL
        Confidence = 0.95
        Threads = Schedule.defaultThreads
    }

    /// The first option outside its range, named as on the command line, as an error.
    let validate (options: BootstrapOptions) : Result<unit, CoExprError> =
        let refuse option (value: obj) allowed =
            Error(
                CoExprError.BadOption(
                    option,
                    String.Format(Globalization.CultureInfo.InvariantCulture, "{0}", value),
                    allowed
                )
            )

        match options.Draw with
        | _ when options.Resamples < 2 || options.Resamples > 1000000 ->
            refuse "--bootstraps" options.Resamples "2 to 1000000 are allowed"
        | _ when not (options.Confidence > 0.0 && options.Confidence < 1.0) ->
            refuse "--confidence" options.Confidence "a share between 0 and 1 is needed"
        | Draw.Subsample share when not (share > 0.0 && share < 1.0) ->
            refuse "--subsample" share "a share between 0 and 1 is needed"
        | _ -> Ok()

    /// The quantile of sorted values.
    let private quantile (sorted: float[]) share =
        let place = share * float (sorted.Length - 1)
        let below = int place
        let above = min (below + 1) (sorted.Length - 1)
        sorted[below] + (place - float below) * (sorted[above] - sorted[below])

    /// Mean, deviation and interval of the scores in the resamples, which are added in their order and then sorted in
    /// place. Throws ArgumentException for fewer than 2.
    let spread confidence (scores: float[]) : Spread =
        if scores.Length < 2 then
            invalidArg (nameof scores) $"{scores.Length} scores; 2 or more are needed"

        let count = float scores.Length
        let mean = Array.sum scores / count
        let squares = scores |> Array.sumBy (fun score -> (score - mean) * (score - mean))
        Array.Sort scores
        let tail = (1.0 - confidence) / 2.0

        {
            Mean = mean * 1.0<bit>
            Deviation = sqrt (squares / (count - 1.0)) * 1.0<bit>
            Low = quantile scores tail * 1.0<bit>
            High = quantile scores (1.0 - tail) * 1.0<bit>
        }

    /// Resamples that are scored at once: what each gene has in each of them is in memory.
    let private atOnce = 256

    /// Runs `work` for groups of resamples: the first of the group, how many, and a kernel for them.
    let private inGroups options (genes: BinnedGenes) convention (work: int -> int -> ResamplingKernel -> unit) =
        for first in 0..atOnce .. options.Resamples - 1 do
            let count = min atOnce (options.Resamples - first)

            use weights =
                Resamples.weights options.Threads options.Seed options.Draw genes.Cells first count

            use kernel =
                new ResamplingKernel(genes, weights, convention, Nullable(), options.Threads)

            work first count kernel

    /// The scores of every pair in every resample, resamples of one pair together.
    let private scores advance options (genes: BinnedGenes) convention (pairs: struct (int * int)[]) =
        let values = Array.zeroCreate<float>(pairs.Length * options.Resamples)

        inGroups options genes convention (fun first count kernel ->
            let take pair (numerators: int64[]) (cells: int[]) =
                let place = pair * options.Resamples + first

                for i in 0 .. count - 1 do
                    values[place + i] <- float (MutualInformation.bits numerators[i] cells[i])

            PairWorkers.run options.Threads kernel.NewWorker pairs take (fun done' ->
                advance (int64 done' * int64 count)))

        values

    /// What the resamples say of each pair of genes, given by their numbers. The same whatever the threads, the other
    /// pairs, and which of the two genes comes first.
    let pairs (progress: Progress) options (genes: BinnedGenes) convention (pairs: struct (int * int)[]) : Spread[] =
        let advance =
            Progress.counter progress "bootstrapping" "scores" (int64 pairs.Length * int64 options.Resamples)

        let spreads = Array.zeroCreate<Spread> pairs.Length
        // So that at most 256 MB of scores are held at once.
        let held = max 1 (33554432 / options.Resamples)

        for first in 0..held .. pairs.Length - 1 do
            let chunk = Array.sub pairs first (min held (pairs.Length - first))
            let values = scores advance options genes convention chunk

            Schedule.ranges options.Threads 256 chunk.Length (fun from next ->
                for pair in from .. next - 1 do
                    spreads[first + pair] <-
                        spread options.Confidence (Array.sub values (pair * options.Resamples) options.Resamples))

        spreads

    /// Marks the k strongest of one gene's partners in one resample; equals by name.
    let private countTop k (ranks: int[]) row (score: int -> float) genes (counts: int[]) =
        let best = Array.zeroCreate<int>(k + 1)
        let mutable kept = 0

        let stronger a b =
            let x, y = score a, score b
            x > y || (x = y && ranks[a] < ranks[b])

        for gene in 0 .. genes - 1 do
            if gene <> row && (kept < k || stronger gene best[kept - 1]) then
                let mutable place = kept

                while place > 0 && stronger gene best[place - 1] do
                    best[place] <- best[place - 1]
                    place <- place - 1

                best[place] <- gene
                kept <- min k (kept + 1)

        for place in 0 .. kept - 1 do
            counts[best[place]] <- counts[best[place]] + 1

    /// The share of resamples in which a gene is among the k partners that share the most information with a regulator,
    /// whatever the sign: for every regulator (by number) one share per gene. Of genes that share equally much, those whose
    /// names come first in ordinal order are taken.
    let frequencies
        (progress: Progress)
        options
        (genes: BinnedGenes)
        convention
        (names: string[])
        k
        (regulators: int[])
        =
        let advance =
            Progress.counter progress "ranking targets" "scores" (int64 regulators.Length * int64 options.Resamples)

        let ranks = GeneNames.ranks names

        let counts =
            Array.init regulators.Length (fun _ -> Array.zeroCreate<int> genes.Genes)

        inGroups options genes convention (fun _ count kernel ->
            PairWorkers.rows options.Threads kernel.NewWorker regulators genes.Genes count (fun row values ->
                for i in 0 .. count - 1 do
                    countTop k ranks regulators[row] (fun gene -> values[gene * count + i]) genes.Genes counts[row]

                advance (int64 count)))

        counts
        |> Array.map (Array.map (fun times -> float times / float options.Resamples))
