"""The grid of method x score x picture: one papermill run each, then the figures."""

METHODS = ["grad_cam", "grad_cam_plus", "grad_cam_plus_plus", "rsi_grad_cam", "integrated_gradients"]
SCORES = ["pre", "post", "log", "odds"]

# folder in results/: (image, target class)
PICTURES = {
    "cat": ("cat", "cat"),
    "cat_and_cup-cat": ("cat_and_cup", "cat"),
    "cat_and_cup-cup": ("cat_and_cup", "cup"),
}
FIGURES = ["figure_2", "figure_2_extended", "figure_2_cat_and_cup-cat", "figure_2_cat_and_cup-cup"]
# notebook: the figures that it draws
PAPER = {
    "index": ["figure_1"],
    "1_softmax_gradients": ["softmax_jacobian"],
    "2_detecting_a_class": ["two_networks_one_function", "shared_gradient"],
    "3_loss": ["gradient_of_the_loss"],
}

PACKAGE = glob_wildcards("xai_utils/{file,[^.].*}.py").file
SOURCES = expand("xai_utils/{file}.py", file=PACKAGE) + expand("xai_utils/data/{file}", file=["vgg19_mini.npz", "regions.json"])
GRID = expand("{picture}/{method}-{score}", picture=PICTURES, method=METHODS, score=SCORES)

# two runs share two cores: one thread each
ONE_THREAD = "TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1"


rule all:
    input:
        expand("results/{run}.{ending}", run=GRID, ending=["npz", "json", "ipynb"]),
        expand("figures/{name}.{ending}", name=sum(PAPER.values(), FIGURES), ending=["png", "pdf"]),


rule heatmap:
    input:
        notebook="notebooks/methods/{method}.ipynb",
        sources=SOURCES,
    output:
        "results/{picture}/{method}-{score}.npz",
        "results/{picture}/{method}-{score}.json",
        notebook="results/{picture}/{method}-{score}.ipynb",
    params:
        image=lambda w: PICTURES[w.picture][0],
        target=lambda w: PICTURES[w.picture][1],
    log:
        "results/log/{picture}-{method}-{score}.txt",
    shell:
        "{ONE_THREAD} papermill --no-progress-bar {input.notebook} {output.notebook} "
        "-r image {params.image} -r target {params.target} -r score {wildcards.score} "
        "-r results results/{wildcards.picture} > {log} 2>&1"


for paper, drawn in PAPER.items():

    rule:
        name:
            f"paper_{paper}"
        input:
            notebook=f"notebooks/{paper}.ipynb",
            sources=SOURCES,
        output:
            expand("figures/{name}.{ending}", name=drawn, ending=["png", "pdf"]),
            notebook=f"results/{paper}.ipynb",
        log:
            f"results/log/{paper}.txt",
        shell:
            "{ONE_THREAD} papermill --no-progress-bar {input.notebook} {output.notebook} "
            "-r figures figures > {log} 2>&1"


rule figure_2:
    input:
        expand("results/{run}.{ending}", run=GRID, ending=["npz", "json"]),
        notebook="notebooks/figure_2.ipynb",
        sources=SOURCES,
    output:
        expand("figures/{name}.{ending}", name=FIGURES, ending=["png", "pdf"]),
        notebook="results/figure_2.ipynb",
    log:
        "results/log/figure_2.txt",
    shell:
        "papermill --no-progress-bar {input.notebook} {output.notebook} "
        "-r results results -r figures figures > {log} 2>&1"
