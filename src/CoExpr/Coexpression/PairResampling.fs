namespace CoExpr

open System
open CoExpr.Kernels

/// What is to be said of the kept pairs by drawing cells anew.
type ResamplingOptions = {
    /// Bootstraps, 0 for none.
    Bootstraps: int
    /// Permutations, 0 for none.
    Permutations: int
    Seed: uint64
    /// Share of the bootstraps within the interval.
    Confidence: float
}

/// What resamples say of kept pairs, in the order of KeptPairs.Partners; empty where it was not asked for.
type PairResampling = {
    Spreads: Spread[]
    /// The share of bootstraps in which the pair is among the strongest of its regulator; of two regulators the larger.
    Frequencies: float[]
    PValues: float[]
}

/// Resampling the pairs that were kept.
[<RequireQualifiedAccess>]
module PairResampling =

    /// None.
    let none = {
        Bootstraps = 0
        Permutations = 0
        Seed = 0UL
        Confidence = 0.95
    }

    /// Nothing said of any pair.
    let nothing = {
        Spreads = [||]
        Frequencies = [||]
        PValues = [||]
    }

    let isWanted options =
        options.Bootstraps <> 0 || options.Permutations <> 0

    let private bootstrap threads (options: ResamplingOptions) = {
        Bootstrap.defaults with
            Resamples = options.Bootstraps
            Seed = options.Seed
            Confidence = options.Confidence
            Threads = threads
    }

    let private permutation threads (options: ResamplingOptions) : PermutationOptions = {
        Permutations = options.Permutations
        Seed = options.Seed
        Threads = threads
    }

    /// The first option outside its range. What is not asked for is none of it.
    let validate (options: ResamplingOptions) : Result<unit, CoExprError> =
        let asked number least = if number = 0 then least else number

        result {
            do!
                Bootstrap.validate {
                    bootstrap 1 options with
                        Resamples = asked options.Bootstraps 2
                }

            do!
                PermutationTest.validate {
                    permutation 1 options with
                        Permutations = asked options.Permutations 1
                }
        }

    /// Names and values of the columns that it makes: sd, low, high, frequency, p_permutation; those that were asked for.
    let columns (resampling: PairResampling) : (string * float[]) list = [
        if resampling.Spreads.Length > 0 then
            "sd", resampling.Spreads |> Array.map (fun spread -> float spread.Deviation)
            "low", resampling.Spreads |> Array.map (fun spread -> float spread.Low)
            "high", resampling.Spreads |> Array.map (fun spread -> float spread.High)
        if resampling.Frequencies.Length > 0 then
            "frequency", resampling.Frequencies
        if resampling.PValues.Length > 0 then
            "p_permutation", resampling.PValues
    ]

    /// The places of kept pairs whose first gene comes first, and these pairs.
    let private once (kept: KeptPairs) =
        let places = [|
            for gene in 0 .. kept.Starts.Length - 2 do
                for at in int kept.Starts[gene] .. int kept.Starts[gene + 1] - 1 do
                    if kept.Partners[at] > gene then
                        struct (gene, at)
        |]

        Array.map (fun (struct (_, at)) -> at) places,
        places
        |> Array.map (fun (struct (gene, at)) -> struct (gene, kept.Partners[at]))

    /// One value per pair, put at both of its places.
    let private bothWays (kept: KeptPairs) (places: int[]) (pairs: struct (int * int)[]) (values: 'value[]) =
        let all = Array.zeroCreate<'value> kept.Partners.Length

        for i in 0 .. pairs.Length - 1 do
            let struct (a, b) = pairs[i]
            let first = int kept.Starts[b]

            let mirrored =
                Array.BinarySearch(kept.Partners, first, int kept.Starts[b + 1] - first, a)

            all[places[i]] <- values[i]
            all[mirrored] <- values[i]

        all

    let private frequencies progress options (genes: BinnedGenes) convention names k (regulators: int[]) pairs =
        let shares =
            Bootstrap.frequencies progress options genes convention names k regulators

        let rows = Array.create genes.Genes -1
        regulators |> Array.iteri (fun row gene -> rows[gene] <- row)

        let share a b =
            if rows[a] < 0 then 0.0 else shares[rows[a]][b]

        pairs |> Array.map (fun (struct (a, b)) -> max (share a b) (share b a))

    /// Resamples the kept pairs of these genes. With regulators (by number) and the number of partners kept for each, how
    /// often a pair comes among those is counted, too.
    let ofKept (progress: Progress) threads options (genes: BinnedGenes) convention names top (kept: KeptPairs) =
        let places, pairs = once kept
        let spread values = bothWays kept places pairs values
        let drawn = bootstrap threads options

        {
            Spreads =
                if options.Bootstraps = 0 then
                    [||]
                else
                    spread (Bootstrap.pairs progress drawn genes convention pairs)
            Frequencies =
                match top with
                | Some(struct (k, regulators)) when options.Bootstraps > 0 ->
                    spread (frequencies progress drawn genes convention names k regulators pairs)
                | _ -> [||]
            PValues =
                if options.Permutations = 0 then
                    [||]
                else
                    let test = permutation threads options
                    spread (PermutationTest.pairs progress test genes convention names pairs)
        }
