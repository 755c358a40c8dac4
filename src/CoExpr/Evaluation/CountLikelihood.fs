namespace CoExpr

open System

/// A negative binomial distribution of counts with variance μ + αμ²; α = 0 is Poisson's.
[<Struct>]
type CountFit = { Mean: float; Dispersion: float }

/// How much less likely the counts of real cells are under what fits the predicted ones than under what fits themselves, in
/// nats per gene and cell: of each gene
///
///     (1/n) Σ over real cells y of  ln f(y; μ̂, α̂ of the real cells) − ln f(y; μ̂, α̂ of the predicted ones),
///
/// f negative binomial, μ̂ and α̂ ≥ 0 of highest likelihood. 0 is best. pertpy's nb_ll is the second term alone, whose best value
/// differs from gene to gene.
[<RequireQualifiedAccess>]
module CountLikelihood =

    /// Counts of a gene as their likelihood sees them.
    type private Counts = {
        Cells: float
        Sum: float
        /// Cells with more than j counts.
        Above: int[]
    }

    /// Larger values are no counts of molecules.
    [<Literal>]
    let private Most = 1e6

    /// Where α̂ is looked for, and in how many halvings of its logarithm.
    [<Literal>]
    let private Least = 1e-8

    [<Literal>]
    let private Largest = 1e8

    [<Literal>]
    let private Steps = 60

    let private countsOf (values: float[]) =
        let above = Array.zeroCreate<int>(int (Array.max values) + 1)

        for value in values do
            above[int value] <- above[int value] + 1

        // Cells with at least j + 1 counts, from the top.
        for j in above.Length - 2 .. -1 .. 0 do
            above[j] <- above[j] + above[j + 1]

        {
            Cells = float values.Length
            Sum = Array.sum values
            Above = Array.tail above
        }

    let private overAbove counts (term: float -> float) =
        let mutable sum = 0.0

        for j in 0 .. counts.Above.Length - 1 do
            sum <- sum + float counts.Above[j] * term (float j)

        sum

    /// (ln(1 + z) − z) / z², by its series where the difference would cancel.
    let private bend z =
        if z < 1e-3 then
            -0.5 + z * (1.0 / 3.0 - z * (0.25 - z / 5.0))
        else
            (Double.LogP1 z - z) / (z * z)

    /// d/dα of the log-likelihood at the mean μ: Σ over cells and j < y of j / (1 + αj), + n (ln(1 + αμ) − αμ) / α².
    let private slope counts mean alpha =
        overAbove counts (fun j -> j / (1.0 + alpha * j))
        + counts.Cells * mean * mean * bend (alpha * mean)

    let private halve counts mean =
        let mutable low, high = log Least, log Largest

        for _ in 1..Steps do
            let middle = 0.5 * (low + high)

            if slope counts mean (exp middle) > 0.0 then
                low <- middle
            else
                high <- middle

        exp (0.5 * (low + high))

    /// The likelihood is highest at the mean, whatever α. At α = 0 it rises if the variance is above the mean, and then has one
    /// summit (Levin & Reeds 1977).
    let private fitOf counts : CountFit =
        let mean = counts.Sum / counts.Cells

        {
            Mean = mean
            Dispersion =
                if slope counts mean Least > 0.0 then
                    halve counts mean
                else
                    0.0
        }

    /// The fit of highest likelihood to counts of one gene.
    let fit (values: float[]) = fitOf (countsOf values)

    /// ln f of all cells, less Σ ln y!, which no fit changes: Σ over cells and j < y of ln(1 + αj), + Σ y ln μ −
    /// (Σ y + n/α) ln(1 + αμ).
    let private logLikelihood counts (fit: CountFit) =
        let alpha, mean = fit.Dispersion, fit.Mean
        let power = if counts.Sum = 0.0 then 0.0 else counts.Sum * log mean

        if alpha = 0.0 then
            power - counts.Cells * mean
        else
            overAbove counts (fun j -> Double.LogP1(alpha * j)) + power
            - (counts.Sum + counts.Cells / alpha) * Double.LogP1(alpha * mean)

    /// A gene that no predicted cell has is taken to have half a count among all of them where real cells have it: their counts
    /// would be impossible.
    let private possible counts cells (fit: CountFit) =
        if fit.Mean > 0.0 || counts.Sum = 0.0 then
            fit
        else
            { fit with Mean = 0.5 / float cells }

    /// The loss of one gene.
    let loss (predicted: float[]) (real: float[]) =
        let counts = countsOf real
        let own = logLikelihood counts (fitOf counts)

        let theirs =
            fit predicted |> possible counts predicted.Length |> logLikelihood counts

        // Rounding can leave a little below 0.
        max 0.0 (own - theirs) / counts.Cells

    let private areCounts (population: PerturbedPopulation) =
        population.Values
        |> Array.forall (fun value -> value >= 0.0 && value <= Most && value = Math.Floor value)

    /// The mean loss over genes; None unless all values are whole numbers from 0 to a million.
    let distance (predicted: PerturbedPopulation) (real: PerturbedPopulation) =
        if areCounts predicted && areCounts real then
            Array.init real.Genes (fun gene ->
                loss (PerturbedPopulation.gene predicted gene) (PerturbedPopulation.gene real gene))
            |> Array.average
            |> Some
        else
            None
