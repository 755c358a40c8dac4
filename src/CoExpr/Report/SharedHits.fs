namespace CoExpr

open System

/// The genes and perturbations, their order and the specification of a heat map of genes that several perturbations change.
[<RequireQualifiedAccess>]
module internal SharedHits =

    /// More would leave no room for their names.
    [<Literal>]
    let Most = 40

    let private ordinal (a: string) b = String.CompareOrdinal(a, b)

    let private mostFirst (counts: int[]) (names: string[]) =
        Array.init counts.Length id
        |> Array.sortWith (fun a b ->
            match compare counts[b] counts[a] with
            | 0 -> ordinal names[a] names[b]
            | order -> order)

    /// The genes that are hits of most perturbations, of two at least. `hits`: of how many perturbations each is a hit.
    let genes (names: string[]) (hits: int[]) =
        mostFirst hits names
        |> Array.filter (fun gene -> hits[gene] >= 2)
        |> Array.truncate Most

    /// The perturbations with most hits among those genes. `hits`: how many each has.
    let perturbations (names: string[]) (hits: int[]) =
        mostFirst hits names
        |> Array.filter (fun perturbation -> hits[perturbation] > 0)
        |> Array.truncate Most

    /// The fold change at which colours are full: below it lie 95 % of those drawn that rest on both groups.
    let fullColour (result: DifferentialResult) (genes: int[]) (perturbations: int[]) =
        let sizes =
            [|
                for perturbation in perturbations do
                    for gene in genes do
                        let place = result.Place(perturbation, gene)

                        if DifferentialHits.hasFold result.Rows place then
                            abs result.Rows.LogFoldChange[place]
            |]
            |> Array.sort

        match sizes with
        | [||] -> 1.0
        | _ ->
            let quantile = sizes[int (ceil (0.95 * float sizes.Length)) - 1]
            if quantile > 0.0 then quantile else 1.0

    /// A fold change as its colour has it: no more than full, 0 where there is none.
    let private drawn full value =
        if Double.IsNaN value then
            0.0
        else
            max -full (min full value)

    /// Items in the order of their clusters by mean absolute difference of what is drawn.
    let private clustered count (profile: int -> float[]) =
        let profiles = Array.init count profile

        let distances =
            Array.init (count * count) (fun at ->
                Array.map2 (fun (a: float) b -> abs (a - b)) profiles[at / count] profiles[at % count]
                |> Array.average)

        HierarchicalClustering.average count distances
        |> HierarchicalClustering.optimalOrder count distances

    /// Both in the order of their clusters.
    let ordered (result: DifferentialResult) (genes: int[]) (perturbations: int[]) =
        let full = fullColour result genes perturbations

        let value perturbation gene =
            drawn full result.Rows.LogFoldChange[result.Place(perturbation, gene)]

        let byGene =
            clustered genes.Length (fun i -> perturbations |> Array.map (fun p -> value p genes[i]))

        let byPerturbation =
            clustered perturbations.Length (fun i -> genes |> Array.map (value perturbations[i]))

        struct (byGene |> Array.map (fun i -> genes[i]), byPerturbation |> Array.map (fun i -> perturbations[i]))

    let private cells (result: DifferentialResult) full (genes: int[]) (perturbations: int[]) = [
        for p in 0 .. perturbations.Length - 1 do
            for g in 0 .. genes.Length - 1 do
                let place = result.Place(perturbations[p], genes[g])
                let fold = result.Rows.LogFoldChange[place]

                if not (Double.IsNaN fold) then
                    Json.Object [
                        "p", Json.Number(float p)
                        "g", Json.Number(float g)
                        "fold", VegaLite.place (if Double.IsFinite fold then fold else drawn full fold)
                        "log10p", VegaLite.place result.Rows.Log10P[place]
                        "hit", Json.Flag(DifferentialHits.isHit result.Rows place)
                    ]
    ]

    let private axis name variable count more =
        VegaLite.field name "ordinal" [
            "title", Json.Null
            "scale", Json.Object [ "domain", Json.List [ for at in 0 .. count - 1 -> Json.Number(float at) ] ]
            "axis",
            Json.Object(
                [
                    "labelExpr", Json.Text $"{variable}[datum.value]"
                    "labelLimit", Json.Number 140.0
                    "labelFontSize", Json.Number 11.0
                    "labelOverlap", Json.Flag false
                    "ticks", Json.Flag false
                    "domain", Json.Flag false
                ]
                @ more
            )
        ]

    let private colour full =
        VegaLite.field "fold" "quantitative" [
            "title", Json.Text "log2 fold change"
            "scale",
            Json.Object [
                "domain", Json.List [ VegaLite.number -full; VegaLite.number full ]
                "range", Json.Text "diverging"
                "clamp", Json.Flag true
                "interpolate", Json.Text "lab"
            ]
            "legend",
            Json.Object [
                "orient", Json.Text "top"
                "direction", Json.Text "horizontal"
                "gradientLength", Json.Number 240.0
                "tickCount", Json.Number 5.0
            ]
        ]

    let private squares full =
        Json.Object [
            "mark", Json.Object [ "type", Json.Text "rect" ]
            "encoding",
            Json.Object [
                "color", colour full
                "tooltip",
                Json.List [
                    VegaLite.tip "perturbation" "perturbation" None
                    VegaLite.tip "gene" "gene" None
                    VegaLite.tip "fold" "log2 fold change" (Some ".3~g")
                    VegaLite.tip "log10p" "log10 p" (Some ".4~g")
                ]
            ]
        ]

    /// A mark that is seen on both grounds and on the colours: the middle of the range is the ground.
    let private hitMarks =
        Json.Object [
            "transform", Json.List [ Json.Object [ "filter", Json.Text "datum.hit" ] ]
            "mark",
            Json.Object [
                "type", Json.Text "point"
                "filled", Json.Flag true
                "size", Json.Number 9.0
                "color", Json.Text VegaLite.Grey
                "opacity", Json.Number 1.0
                "tooltip", Json.Null
            ]
        ]

    let private calculated expression name =
        Json.Object [ "calculate", Json.Text expression; "as", Json.Text name ]

    let spec (result: DifferentialResult) (genes: int[]) (perturbations: int[]) =
        let full = fullColour result genes perturbations

        let named (names: string[]) (chosen: int[]) =
            Json.List [ for at in chosen -> Json.Text names[at] ]

        VegaLite.specification [
            "params",
            Json.List [
                VegaLite.variable "geneNames" (named result.GeneTable.Names genes)
                VegaLite.variable "labels" (named result.Perturbations perturbations)
            ]
            "width", Json.Object [ "step", Json.Number 18.0 ]
            "height", Json.Object [ "step", Json.Number 16.0 ]
            "data", VegaLite.values (cells result full genes perturbations)
            "transform",
            Json.List [
                calculated "labels[datum.p]" "perturbation"
                calculated "geneNames[datum.g]" "gene"
            ]
            "encoding",
            Json.Object [
                "x", axis "g" "geneNames" genes.Length [ "labelAngle", Json.Number -90.0 ]
                "y", axis "p" "labels" perturbations.Length []
            ]
            "layer", Json.List [ squares full; hitMarks ]
        ]
