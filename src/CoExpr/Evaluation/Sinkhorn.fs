namespace CoExpr

open System

/// What moving one population of cells into another costs.
type Transport = {
    /// Regularised cost.
    Cost: float
    Iterations: int
    /// Whether the cells' shares came out within the tolerance.
    HasConverged: bool
}

/// Optimal transport with entropy (Cuturi 2013), in logarithms: over plans T between cells of equal weights
///
///     min  Σ T C + ε KL(T, ab'),   C = |x − y|²,  ε = 0.05 times the mean of C,
///
/// which pertpy calls the Wasserstein distance (by the solver ott's defaults: ε, tolerance and iterations are those).
[<RequireQualifiedAccess>]
module Sinkhorn =

    [<Literal>]
    let private Entropy = 0.05

    /// Summed error of the shares at which the search ends, looked at so often, and after how many iterations it is given up.
    [<Literal>]
    let private Tolerance = 1e-3

    [<Literal>]
    let private Often = 10

    [<Literal>]
    let private MostIterations = 2000

    /// −ε ln Σ exp((g − c) / ε) / n over the cells of the other side; `cost` gives the cost of place i.
    let private softened epsilon (other: float[]) (cost: int -> float) =
        let mutable most = -infinity

        for at in 0 .. other.Length - 1 do
            most <- max most (other[at] - cost at)

        let mutable sum = 0.0

        for at in 0 .. other.Length - 1 do
            sum <- sum + exp ((other[at] - cost at - most) / epsilon)

        -most - epsilon * log (sum / float other.Length)

    /// Σ |share − 1/n| over the first side's cells; those of the second are right after each iteration.
    let private error epsilon (f: float[]) (g: float[]) (costs: float[]) =
        let n, m = f.Length, g.Length
        let mutable total = 0.0

        for i in 0 .. n - 1 do
            let mutable share = 0.0

            for j in 0 .. m - 1 do
                share <- share + exp ((f[i] + g[j] - costs[i * m + j]) / epsilon)

            total <- total + abs (share / float m - 1.0) / float n

        total

    let private iterate epsilon (f: float[]) (g: float[]) (costs: float[]) =
        let m = g.Length

        for i in 0 .. f.Length - 1 do
            f[i] <- softened epsilon g (fun j -> costs[i * m + j])

        for j in 0 .. m - 1 do
            g[j] <- softened epsilon f (fun i -> costs[i * m + j])

    /// Costs of the first side's cells x the second's. 0 where all cells are at one place.
    let solve first second (costs: float[]) : Transport =
        let epsilon = Entropy * Array.average costs
        let f, g = Array.zeroCreate<float> first, Array.zeroCreate<float> second
        let mutable iterations, converged = 0, not (epsilon > 0.0)

        while not converged && iterations < MostIterations do
            iterate epsilon f g costs
            iterations <- iterations + 1

            if iterations % Often = 0 then
                converged <- error epsilon f g costs < Tolerance

        {
            Cost = Array.average f + Array.average g
            Iterations = iterations
            HasConverged = converged
        }

    /// Between populations whose distances are known.
    let ofPairs (pairs: CellPairs) =
        solve
            pairs.FirstSquares.Length
            pairs.SecondSquares.Length
            (pairs.Between |> Array.map (fun distance -> distance * distance))
