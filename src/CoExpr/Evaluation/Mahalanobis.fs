namespace CoExpr

open System
open MathNet.Numerics.LinearAlgebra
open MathNet.Numerics.LinearAlgebra.Double

/// The distance of two populations' means in units of the first's spread (Mahalanobis 1936).
[<RequireQualifiedAccess>]
module Mahalanobis =

    /// A pivot below this share of its gene's variance is rounding: the gene follows from those before.
    [<Literal>]
    let private Rounding = 1e-12

    let private covariance (population: PerturbedPopulation) (means: float[]) : Matrix<float> =
        let cells, genes = population.Cells, population.Genes
        let centred: Matrix<float> = DenseMatrix(cells, genes)

        for cell in 0 .. cells - 1 do
            for gene in 0 .. genes - 1 do
                centred[cell, gene] <- population.Values[cell * genes + gene] - means[gene]

        centred.TransposeThisAndMultiply(centred) / float (cells - 1)

    /// Whether a factor's pivots are more than rounding.
    let private isSound (covariance: Matrix<float>) (factor: Matrix<float>) =
        seq { 0 .. factor.RowCount - 1 }
        |> Seq.forall (fun at -> factor[at, at] * factor[at, at] > Rounding * covariance[at, at])

    /// S = L L'; None where S has no inverse.
    let private factored (covariance: Matrix<float>) =
        try
            let found = covariance.Cholesky()
            if isSound covariance found.Factor then Some found else None
        with :? ArgumentException ->
            None

    /// √((x̄ − ȳ)' S⁻¹ (x̄ − ȳ)), S the covariance of the first population with divisor n − 1. None where S has no inverse, as
    /// always with no more cells than genes.
    let distance (first: PerturbedPopulation) (second: PerturbedPopulation) =
        if first.Cells <= first.Genes then
            None
        else
            let means = PerturbedPopulation.means first

            let apart: Vector<float> =
                DenseVector(Array.map2 (-) means (PerturbedPopulation.means second))

            factored (covariance first means)
            |> Option.map (fun found -> sqrt (apart.DotProduct(found.Solve apart)))
