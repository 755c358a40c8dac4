namespace CoExpr

open System
open CoExpr.Kernels

/// The distance of two populations' means in units of the first's spread (Mahalanobis 1936).
[<RequireQualifiedAccess>]
module Mahalanobis =

    /// S, its lower triangle, with divisor n − 1: genes x genes.
    let private covariance (population: PerturbedPopulation) (means: float[]) =
        let genes = population.Genes
        let sums = Array.zeroCreate<float>(genes * genes)

        for cell in 0 .. population.Cells - 1 do
            let start = cell * genes

            let centred =
                Array.init genes (fun gene -> population.Values[start + gene] - means[gene])

            for gene in 0 .. genes - 1 do
                ScaledSum.Add(ReadOnlySpan(centred, 0, gene + 1), centred[gene], Span(sums, gene * genes, gene + 1))

        sums |> Array.map (fun sum -> sum / float (population.Cells - 1))

    /// √((x̄ − ȳ)' S⁻¹ (x̄ − ȳ)), S the covariance of the first population with divisor n − 1. None where S has no inverse, as
    /// always with no more cells than genes.
    let distance (first: PerturbedPopulation) (second: PerturbedPopulation) =
        let genes = first.Genes

        if first.Cells <= genes then
            None
        else
            let means = PerturbedPopulation.means first
            let apart = Array.map2 (-) means (PerturbedPopulation.means second)
            let matrix = covariance first means

            if SymmetricSystem.Factor(Span matrix, genes) then
                let solved = Array.copy apart
                SymmetricSystem.Solve(ReadOnlySpan matrix, genes, Span solved)
                Some(sqrt (Array.sum (Array.map2 (*) apart solved)))
            else
                None
