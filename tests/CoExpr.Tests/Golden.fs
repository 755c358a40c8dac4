namespace CoExpr.Tests

open System
open System.Globalization
open System.IO
open CoExpr

/// What GeneVector 1.0.0 (its numpy backend) gives for 60 cells x 14 genes, most of them peculiar.
[<RequireQualifiedAccess>]
module Golden =

    let private lines name =
        File.ReadAllLines(TestData.golden (Path.Combine("coexpression", name)))
        |> Array.map (fun line -> line.Split ',')

    /// An empty cell is NaN.
    let private number (text: string) =
        if text = "" then
            nan
        else
            Double.Parse(text, CultureInfo.InvariantCulture)

    /// Gene names and one row of values per cell.
    let private byCell name =
        let lines = lines name
        lines[0], lines[1..] |> Array.map (Array.map number)

    let genes = lazy (fst (byCell "gv_expr_cells_x_genes.csv"))

    /// One line per gene.
    let expression =
        lazy
            (snd (byCell "gv_expr_cells_x_genes.csv")
             |> Array.transpose
             |> Array.map (Array.map float32))

    /// One line per gene.
    let bins =
        lazy
            (snd (byCell "gv_disc_bins10.csv")
             |> Array.transpose
             |> Array.map (Array.map byte))

    /// One value per gene, nats.
    let entropies =
        lazy ((lines "gv_qc_entropy_nats.csv")[1..] |> Array.map (fun line -> number line[1]))

    /// Genes x genes; NaN where GeneVector has no entry.
    let private square name =
        (lines name)[1..] |> Array.map (fun line -> line[1..] |> Array.map number)

    let signedBits = lazy (square "gv_mi_bins10_signed.csv")
    let unsignedBits = lazy (square "gv_mi_bins10_unsigned.csv")

    let cells =
        lazy
            (let values = expression.Value |> Array.transpose

             let counts =
                 SparseCounts.OfDense(values.Length, genes.Value.Length, Array.concat values)

             let names = Array.init values.Length (fun cell -> $"cell{cell}")

             Cells.create "golden" counts (Table.ofNames names) (Table.ofNames genes.Value)
             |> Expect.ok)
