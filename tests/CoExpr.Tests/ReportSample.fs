namespace CoExpr.Tests

open System
open CoExpr

/// Reports to test with.
module ReportSample =

    let mutualInformation = {
        Name = "mutual information"
        Unit = "bits"
        Signed = false
    }

    let correlation = {
        Name = "Pearson correlation"
        Unit = ""
        Signed = true
    }

    /// Names that would do harm where they are not escaped, or look bad where they are not cut.
    let hostileNames = [|
        "<script>document.body.dataset.owned = 1</script>"
        "</script><img src=x onerror=\"document.body.dataset.owned = 1\">"
        "\"><svg onload='document.body.dataset.owned = 1'>"
        "<!--<script>"
        "&lt;b&gt; & 'quoted' \\ \u2028 \u0000 \u001b[31m"
        "Größe-β₂-遺伝子-🧬-\u202Egene"
        "datum['x'].y"
        "${1+1} {{7*7}} constructor __proto__"
        "HLA-DRA"
        "HLA-DRA"
        String('G', 4000)
        ""
    |]

    /// Genes g and h score by whether they share a block of four, a little more for some than for others.
    let blocks signed genes =
        let score first second =
            if first / 4 = second / 4 then
                0.4 + 0.01 * float (first % 4 + second % 4)
            elif signed then
                -0.1
            else
                0.02

        Array.init (genes * genes) (fun at ->
            if at / genes = at % genes then
                nan
            else
                score (at / genes) (at % genes))

    let report quantity names = {
        Source = "cells.h5ad"
        Quantity = quantity
        Cells = 2700L
        Genes = int64 (Array.length names)
        Convention = "cells in which neither gene is expressed are left out of a pair"
        Caution = None
        Facts = [ "CoExpr", "0.1.0"; "Seed", "1"; "Kernel", "scalar" ]
        Edges = [| -0.5; 0.0; 0.25; 0.5; 1.0 |]
        Counts = [| 3L; 2000L; 10L; 1L |]
        HeatMapGenes = names
        HeatMapScores = blocks quantity.Signed names.Length
        Hubs =
            names
            |> Array.map (fun name -> {
                Gene = name
                Strength = 1.25
                Degree = 3
                Neighbours = names |> Array.map (fun partner -> partner, 0.5)
            })
    }

    let genes = [| "NKG7"; "GNLY"; "PRF1"; "GZMB"; "HLA-DRA"; "CD74"; "CD79A"; "MS4A1" |]
