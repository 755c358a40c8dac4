namespace CoExpr

open System
open System.Numerics

/// Drawing the counts of a matrix that is mostly 0 without visiting every entry, and still exactly.
///
/// Within a stratum of cells no mean is above m. If every mean were m, the cells to pass over before the next count
/// above 0 would be geometric: floor(−ln U / −ln P(0; m)) of them. The cell found is a candidate; its own mean is lower,
/// so it is kept with probability P(> 0; own) / P(> 0; m), which is thinning (Lewis and Shedler 1979) of trials instead of
/// a point process. What is left of the uniform number that decides is uniform again, and picks the count.
[<RequireQualifiedAccess>]
module internal Counting =

    /// Genes per block of work.
    [<Literal>]
    let private BlockGenes = 32

    /// One thread's work space. Counts are found stratum by stratum; a bit for each cell puts them back into the order of
    /// cells, which takes a twentieth of the time of sorting them.
    type private State = {
        Folds: FoldChanges
        /// One per cell, for the gene at work; without meaning where the cell's bit is 0.
        Counts: float32[]
        /// Bit cell % 64 of word cell / 64 says whether the cell has a count above 0.
        Marks: uint64[]
        mutable Exposure: Exposure voption
    }

    /// Draws one stratum; gives the number of counts above 0 so far.
    let private countStratum state (exposure: Exposure) stratum mean dispersion (draws: RandomStream) found =
        let highest = mean * exposure.Highest[stratum] * state.Folds.Highest
        let exponent = Distributions.zeroExponent dispersion highest
        let bound = Distributions.complement exponent
        let next = float exposure.Starts[stratum + 1]
        let mutable found = found

        let mutable place =
            float exposure.Starts[stratum] + floor (-log(draws.Uniform()) / exponent)

        while place < next do
            let cell = exposure.Order[int place]
            let ownMean = mean * exposure.ByCell[cell] * state.Folds.Of cell
            let v = draws.Uniform() * bound

            if v < Distributions.nonZeroProbability dispersion ownMean then
                state.Marks[cell >>> 6] <- state.Marks[cell >>> 6] ||| (1UL <<< (cell &&& 63))
                state.Counts[cell] <- float32 (Distributions.positiveFrom dispersion ownMean v draws)
                found <- found + 1

            place <- place + 1.0 + floor (-log(draws.Uniform()) / exponent)

        found

    /// The marked cells, `found` of them, in order, with their counts. Clears the marks.
    let private collect state found =
        let cells, counts = Array.zeroCreate<int> found, Array.zeroCreate<float32> found
        let mutable at = 0

        for word in 0 .. state.Marks.Length - 1 do
            let mutable marks = state.Marks[word]
            state.Marks[word] <- 0UL

            while marks <> 0UL do
                let cell = (word <<< 6) + BitOperations.TrailingZeroCount marks
                cells[at] <- cell
                counts[at] <- state.Counts[cell]
                at <- at + 1
                marks <- marks &&& (marks - 1UL)

        struct (cells, counts)

    /// The cells in which one gene is counted, in order, and how often.
    let private countGene (options: SimulationOptions) population (parameters: GeneParameters) state gene =
        let exposure = Exposure.forGene options population gene state.Exposure
        state.Exposure <- ValueSome exposure
        state.Folds.Load gene
        let draws = Population.counting options.Seed gene
        let mean, dispersion = parameters.Means[gene], parameters.Dispersions[gene]
        let mutable found = 0

        for stratum in 0 .. exposure.Highest.Length - 1 do
            found <- countStratum state exposure stratum mean dispersion draws found

        collect state found

    /// Puts the genes' entries one after the other.
    let private joined threads (lines: struct (int[] * float32[])[]) =
        let starts =
            lines |> Array.scan (fun sum (struct (cells, _)) -> sum + cells.LongLength) 0L

        let entries = starts[lines.Length]

        if entries > int64 Array.MaxLength then
            raise (CoExprFailure(CoExprError.TooLarge("simulated counts above 0", entries, int64 Array.MaxLength)))

        let indices, values =
            Array.zeroCreate<int>(int entries), Array.zeroCreate<float32>(int entries)

        Schedule.ranges threads BlockGenes lines.Length (fun first next ->
            for gene in first .. next - 1 do
                let struct (cells, counts) = lines[gene]
                Array.Copy(cells, 0L, indices, starts[gene], cells.LongLength)
                Array.Copy(counts, 0L, values, starts[gene], counts.LongLength))

        {
            Starts = starts
            Indices = indices
            Values = values
        }

    /// The counts of all genes; each gene has a stream of its own, so threads change nothing.
    let count (progress: Progress) (options: SimulationOptions) population parameters (makeFolds: unit -> FoldChanges) =
        let order = Exposure.geneOrder population
        let lines = Array.zeroCreate<struct (int[] * float32[])> options.Genes
        let advance = Progress.counter progress "counts" "genes" (int64 options.Genes)

        let makeState () = {
            Folds = makeFolds ()
            Counts = Array.zeroCreate options.Cells
            Marks = Array.zeroCreate ((options.Cells + 63) / 64)
            Exposure = ValueNone
        }

        Schedule.blocks options.Threads ((options.Genes + BlockGenes - 1) / BlockGenes) makeState (fun state block ->
            let genes =
                order[block * BlockGenes .. min options.Genes ((block + 1) * BlockGenes) - 1]

            for gene in genes do
                lines[gene] <- countGene options population parameters state gene

            advance (int64 genes.Length))

        SparseCounts.OfGenes(options.Cells, options.Genes, joined options.Threads lines)
